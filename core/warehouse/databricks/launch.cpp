// SPDX-License-Identifier: PostgreSQL
// The POST and what can go wrong around it.
#include "core/warehouse/databricks/launch.hpp"

#include <array>
#include <mutex>
#include <new>
#include <random>

#include "core/warehouse/databricks/failure.hpp"
#include "core/base/json_text.hpp"
#include "core/warehouse/pending.hpp"

namespace lakehouse::warehouse::databricks {
namespace {

// The service's own limit of a statement's text.
constexpr std::size_t kMaxStatementBytes = 16U << 20U;
// So many rows fit into INLINE's 25 MiB at 25 kB each; wider rows cost a second run with links.
constexpr std::uint64_t kInlineRows = 1000;
// With wait_timeout=0s the service answers at once; a warehouse that is starting up doesn't slow
// the POST.
constexpr std::chrono::seconds kPostTimeout{60};
constexpr std::chrono::seconds kOrphanTimeout{10};

constexpr std::string_view kPath = "/api/2.0/sql/statements";

// Names our statement in the service's query history, should its id ever be lost with an answer.
std::string new_tag() {
  std::random_device random;
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string tag;
  for (int i = 0; i < 4; ++i) {
    unsigned bits = random();
    for (int digit = 0; digit < 8; ++digit, bits >>= 4U) tag += kDigits[bits & 15U];
  }
  return tag;
}

void append_parameters(std::string& json, const std::vector<Parameter>& parameters) {
  if (parameters.empty()) return;
  json += ",\"parameters\":[";
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    json += i == 0 ? "{\"name\":" : ",{\"name\":";
    append_json_string(json, parameters[i].name);
    append_json_field(json, "type", parameters[i].type);
    if (parameters[i].value) {
      json += ",\"value\":";
      append_json_string(json, *parameters[i].value);
    }
    json += '}';
  }
  json += ']';
}

std::string body_of(const Options& options, const Query& query, const std::string& session_id,
                    Disposition disposition) {
  std::string json = "{";
  json.reserve(query.statement.size() + 1024);
  append_json_field(json, "warehouse_id", options.warehouse_id);
  append_json_field(json, "session_id", session_id);
  append_json_field(json, "catalog", options.catalog);
  append_json_field(json, "schema", options.schema);
  append_json_field(json, "statement", query.statement);
  append_parameters(json, query.parameters);
  append_json_field(json, "disposition",
                    disposition == Disposition::kInline ? "INLINE" : "EXTERNAL_LINKS");
  json += R"(,"format":"JSON_ARRAY","wait_timeout":"0s","on_wait_timeout":"CONTINUE")";
  json += R"(,"query_tags":[{"key":"lakehouse_request","value":")" + new_tag() + "\"}]}";
  return json;
}

// The POST's answer, and who gets it: the caller, or, once that one has left, the orphanage.
class Submission {
 public:
  void complete(const std::shared_ptr<Api>& api, CallResult result) {
    {
      const std::lock_guard lock(mutex_);
      if (!is_abandoned_) {
        result_.emplace(std::move(result));
        changed_.notify_all();
        return;
      }
    }
    end_orphan(api, result);
  }

  Result<CallResult> wait(const std::shared_ptr<Api>& api, const Context& context) {
    std::optional<CallResult> late;
    {
      std::unique_lock lock(mutex_);
      Status status = wait_until(changed_, lock, context, [this] { return result_.has_value(); });
      if (status && !context.stop.stop_requested()) return std::move(*result_);
      if (!result_) {
        is_abandoned_ = true;
        return status ? cancelled_error() : std::move(status).error();
      }
      late = std::move(result_);
    }
    end_orphan(api, *late);
    return cancelled_error();
  }

 private:
  static void end_orphan(const std::shared_ptr<Api>& api, CallResult& result) {
    if (result.failed) return;
    Result<StatementAnswer> answer = parse_statement(result.response.body);
    if (!answer) return;
    end_statement(api, answer->id, Ending::kCancelAndClose, Deadline::in(kOrphanTimeout), {});
  }

  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::optional<CallResult> result_;
  bool is_abandoned_ = false;
};

Result<CallResult> post(const std::shared_ptr<Workspace>& workspace, std::string body,
                        const Context& context) {
  auto submission = std::make_shared<Submission>();
  Context detached;  // goes on when the caller is stopped: only its answer tells which statement to
                     // cancel
  detached.deadline = Deadline::in(kPostTimeout);
  detached.request_id = context.request_id;
  workspace->api->start(http::Method::kPost, kPath, std::move(body), http::Retry::kRefused,
                        detached, [submission, workspace](CallResult result) {
                          submission->complete(workspace->api, std::move(result));
                        });
  return submission->wait(workspace->api, context);
}

Result<Launched> accept(CallResult result, Disposition disposition) {
  Launched launched;
  launched.body = std::move(result.response.body);
  launched.wire_bytes = result.response.wire_bytes;
  launched.disposition = disposition;
  Result<StatementAnswer> answer = parse_statement(launched.body);
  if (!answer) return std::move(answer).error();
  launched.answer = std::move(*answer);
  return launched;
}

bool is_about_session(const CallError& failed) {
  return (failed.status == 400 || failed.status == 404) &&
         failed.failure.message.find("ession") != std::string::npos;
}

Disposition other_than(Disposition disposition) {
  return disposition == Disposition::kInline ? Disposition::kExternalLinks : Disposition::kInline;
}

}  // namespace

Disposition disposition_for(const Query& query, const Workspace& workspace) {
  const bool is_small = query.row_bound && *query.row_bound <= kInlineRows;
  return is_small || !workspace.allows_links ? Disposition::kInline : Disposition::kExternalLinks;
}

Result<Launched> launch(const std::shared_ptr<Workspace>& workspace, const Query& query,
                        Disposition disposition, const Context& context) {
  if (query.statement.size() > kMaxStatementBytes) {
    return Error{ErrorCode::kInvalidArgument, "remote statement is too long",
                 "It has " + std::to_string(query.statement.size()) + " bytes; Databricks takes " +
                     std::to_string(kMaxStatementBytes) + ".",
                 "Use fewer constants or columns in the query."};
  }
  bool may_renew_session = true;
  bool may_change_disposition = true;
  for (;;) {
    Result<std::string> session_id = workspace->session.id(context);
    if (!session_id) return std::move(session_id).error();
    Result<CallResult> posted =
        post(workspace, body_of(workspace->options, query, *session_id, disposition), context);
    if (!posted) return std::move(posted).error();
    if (!posted->failed) return accept(std::move(*posted), disposition);
    CallError& failed = *posted->failed;
    if (may_renew_session && !session_id->empty() && is_about_session(failed)) {
      may_renew_session = false;
      workspace->session.forget(*session_id);
    } else if (may_change_disposition && failed.status == 400 &&
               is_about_disposition(failed.failure)) {
      may_change_disposition = false;
      if (disposition == Disposition::kExternalLinks) workspace->allows_links = false;
      disposition = other_than(disposition);
    } else {
      return std::move(failed.error);
    }
  }
}

void end_statement(const std::shared_ptr<Api>& api, const std::string& id, Ending ending,
                   Deadline deadline, std::function<void()> done) {
  Context context;
  context.deadline = deadline;
  const std::string path = std::string(kPath) + "/" + percent_encoded(id);
  auto close = [api, path, context, done = std::move(done)] {
    api->start(http::Method::kDelete, path, {}, http::Retry::kIdempotent, context,
               [done](const CallResult&) {
                 if (done) done();
               });
  };
  if (ending == Ending::kClose) return close();
  api->start(http::Method::kPost, path + "/cancel", {}, http::Retry::kIdempotent, context,
             [close](const CallResult&) { close(); });
}

}  // namespace lakehouse::warehouse::databricks
