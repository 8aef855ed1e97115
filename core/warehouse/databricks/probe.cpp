// SPDX-License-Identifier: PostgreSQL
// Each step is one call; authentication and the warehouse's state come from the same one, told
// apart by its status.
#include "core/warehouse/databricks/probe.hpp"

#include "core/base/json_text.hpp"
#include "core/warehouse/pending.hpp"
#include "core/wire/batch_view.hpp"

namespace lakehouse::warehouse::databricks {
namespace {

using Clock = std::chrono::steady_clock;

std::string sentence_of(const Error& error) {
  std::string sentence = error.message;
  if (!error.detail.empty()) sentence += ": " + error.detail;
  if (error.hint.empty()) return sentence;
  if (!sentence.ends_with('.')) sentence += '.';
  return sentence + " " + error.hint;
}

class Steps {
 public:
  void pass(std::string name, std::string detail) { add(std::move(name), true, std::move(detail)); }
  std::vector<TestStep> fail(std::string name, const Error& error) {
    add(std::move(name), false, sentence_of(error));
    return std::move(steps_);
  }
  std::vector<TestStep> take() { return std::move(steps_); }

 private:
  void add(std::string name, bool is_ok, std::string detail) {
    const auto now = Clock::now();
    steps_.push_back({std::move(name), is_ok,
                      std::chrono::duration_cast<std::chrono::microseconds>(now - since_),
                      std::move(detail)});
    since_ = now;
  }

  std::vector<TestStep> steps_;
  Clock::time_point since_ = Clock::now();
};

// Any answer at all shows that the host is there; the metadata needs no token.
Status reach(Workspace& workspace, const Context& context) {
  auto pending = std::make_shared<Pending<http::Response>>();
  http::Request request;
  request.url = workspace.options.workspace_url + "/oidc/.well-known/oauth-authorization-server";
  request.retry = http::Retry::kRefused;
  workspace.api->client().start(
      std::move(request), context,
      [pending](Result<http::Response> response) { pending->complete(std::move(response)); });
  Result<http::Response> response = pending->wait(context);
  if (!response) return std::move(response).error();
  return kDone;
}

Result<std::string> select_one(Warehouse& warehouse, const Context& context) {
  Query query;
  query.statement = "SELECT 1";
  query.columns = {{wire::CellType::kInt4, 0, 0}};
  query.row_bound = 1;
  Result<std::unique_ptr<Statement>> statement = warehouse.submit(std::move(query), context);
  if (!statement) return std::move(statement).error();
  if (Status status = (*statement)->wait(context); !status) return std::move(status).error();
  Result<std::optional<Batch>> batch = (*statement)->next_batch(context);
  if (!batch) return std::move(batch).error();
  const Error wrong{ErrorCode::kInvalidResponse, "SELECT 1 did not return 1", "", ""};
  if (!*batch) return wrong;
  Result<wire::BatchView> view = wire::BatchView::parse((*batch)->bytes, {wire::CellType::kInt4});
  if (!view) return std::move(view).error();
  if (view->row_count() != 1 || view->is_null(0, 0) || view->value<std::int32_t>(0, 0) != 1)
    return wrong;
  return (*statement)->stats().query_id;
}

bool is_about_identity(const CallError& failed) {
  return failed.status == 0 || failed.status == 401 ||
         failed.error.code == ErrorCode::kUnauthenticated;
}

}  // namespace

std::vector<TestStep> probe(Workspace& workspace, Warehouse& warehouse, const Context& context) {
  Steps steps;
  if (Status reached = reach(workspace, context); !reached)
    return steps.fail("connect", reached.error());
  steps.pass("connect", "The workspace answers.");

  const std::string path =
      "/api/2.0/sql/warehouses/" + percent_encoded(workspace.options.warehouse_id);
  CallResult found =
      workspace.api->call(http::Method::kGet, path, {}, http::Retry::kIdempotent, context);
  if (found.failed && is_about_identity(*found.failed))
    return steps.fail("authenticate", found.failed->error);
  steps.pass("authenticate", "The workspace accepts the connection's secret.");

  if (found.failed) {
    if (found.failed->status == 404) {
      found.failed->error.code = ErrorCode::kNotFound;
      found.failed->error.message = "remote SQL warehouse does not exist";
      found.failed->error.hint = "Check the connection's warehouse_id.";
    }
    return steps.fail("warehouse", found.failed->error);
  }
  Result<std::string> state = parse_warehouse_state(found.response.body);
  if (!state) return steps.fail("warehouse", state.error());
  if (*state == "DELETED" || *state == "DELETING") {
    return steps.fail("warehouse",
                      Error{ErrorCode::kUnavailable, "remote SQL warehouse is deleted",
                            "Its state is " + *state + ".", "Connect to another warehouse."});
  }
  const bool is_running = *state == "RUNNING";
  steps.pass("warehouse", is_running ? "The warehouse is running."
                                     : "The warehouse is in state " + *state +
                                           "; a query has to wait for its start.");

  Result<std::string> id = select_one(warehouse, context);
  if (!id) return steps.fail("query", id.error());
  steps.pass("query", "SELECT 1 ran as statement " + *id + ".");
  return steps.take();
}

}  // namespace lakehouse::warehouse::databricks
