// SPDX-License-Identifier: PostgreSQL
// Made once, under the first statement's own deadline; whoever makes it and is stopped leaves it to
// the next.
#include "core/warehouse/databricks/session.hpp"

#include <new>

#include "core/base/json_text.hpp"
#include "core/warehouse/pending.hpp"

namespace lakehouse::warehouse::databricks {
namespace {

constexpr std::string_view kPath = "/api/2.0/sql/sessions";
constexpr std::chrono::seconds kCloseTimeout{5};

// A service without the endpoint says so by one of these; but a warehouse that is unknown or
// stopped gives some of them too, and that passes: the next statement shall have its session again.
bool means_unsupported(const CallError& failed) {
  const bool is_refusal =
      failed.status == 400 || failed.status == 404 || failed.status == 405 || failed.status == 501;
  return is_refusal && failed.failure.message.find("arehouse") == std::string::npos;
}

}  // namespace

Session::Session(std::shared_ptr<Api> api, const Options& options)
    : api_(std::move(api)), warehouse_id_(options.warehouse_id) {
  request_body_ = "{";
  append_json_field(request_body_, "warehouse_id", options.warehouse_id);
  append_json_field(request_body_, "catalog", options.catalog);
  append_json_field(request_body_, "schema", options.schema);
  request_body_ += R"(,"session_confs":{"TIMEZONE":"UTC","ANSI_MODE":"true"}})";
}

Result<std::string> Session::id(const Context& context) {
  std::unique_lock lock(mutex_);
  Status status = wait_until(changed_, lock, context, [this] { return stage_ != Stage::kOpening; });
  if (!status) return std::move(status).error();
  if (stage_ != Stage::kNone) return id_;
  stage_ = Stage::kOpening;
  lock.unlock();
  Result<std::string> opened = open(context);
  lock.lock();
  stage_ = !opened ? Stage::kNone : opened->empty() ? Stage::kUnsupported : Stage::kOpen;
  if (opened) id_ = *opened;
  lock.unlock();
  changed_.notify_all();
  return opened;
}

Result<std::string> Session::open(const Context& context) {
  CallResult result =
      api_->call(http::Method::kPost, kPath, request_body_, http::Retry::kRefused, context);
  if (!result.failed) return parse_session_id(result.response.body);
  if (means_unsupported(*result.failed)) return std::string();
  return std::move(result.failed->error);
}

void Session::forget(const std::string& id) {
  const std::lock_guard lock(mutex_);
  if (stage_ != Stage::kOpen || id_ != id) return;
  stage_ = Stage::kNone;
  id_.clear();
}

void Session::close() noexcept try {
  std::string id;
  {
    const std::lock_guard lock(mutex_);
    id.swap(id_);
    stage_ = Stage::kNone;
  }
  if (id.empty()) return;
  Context context;
  context.deadline = Deadline::in(kCloseTimeout);
  const std::string path = std::string(kPath) + "/" + percent_encoded(id) +
                           "?warehouse_id=" + percent_encoded(warehouse_id_);
  api_->start(http::Method::kDelete, path, {}, http::Retry::kNever, context,
              [](const CallResult&) {});
} catch (const std::bad_alloc&) {
  // The service ends idle sessions by itself.
}

}  // namespace lakehouse::warehouse::databricks
