// SPDX-License-Identifier: PostgreSQL
// wait(): poll → judge → perhaps once more with the other disposition → reader. The rest is ending
// it well.
#include "core/warehouse/databricks/statement.hpp"

#include <algorithm>
#include <new>

#include "core/warehouse/databricks/failure.hpp"
#include "core/base/json_text.hpp"
#include "core/warehouse/databricks/result_source.hpp"
#include "core/warehouse/pending.hpp"

namespace lakehouse::warehouse::databricks {
namespace {

using std::chrono::milliseconds;

// A short query is seen finished soon, a long one costs a request a second.
constexpr milliseconds kFirstPoll{20};
constexpr milliseconds kLastPoll{1000};
constexpr std::chrono::seconds kEndTimeout{10};
constexpr std::chrono::seconds kDestructorTimeout{3};

Error gone_error(const std::string& id) {
  return {ErrorCode::kRemoteSql, "remote result is gone before it was read",
          "Databricks has closed statement " + id + ".", "Run the query again."};
}

Error cancelled_elsewhere(const std::string& id) {
  return {ErrorCode::kCancelled, "remote warehouse cancelled the query",
          "Someone else, or a limit of the warehouse, cancelled statement " + id + ".",
          "Run the query again."};
}

Error invalid_answer(std::string message) {
  return {ErrorCode::kInvalidResponse, std::move(message), "",
          "Run the query again; if it fails again, report it with the statement's id."};
}

}  // namespace

DatabricksStatement::DatabricksStatement(std::shared_ptr<Workspace> workspace, Query query,
                                         Launched launched,
                                         std::chrono::steady_clock::time_point submitted_at,
                                         std::string request_id)
    : workspace_(std::move(workspace)),
      query_(std::move(query)),
      submitted_at_(submitted_at),
      request_id_(std::move(request_id)),
      launched_(std::move(launched)),
      id_(launched_.answer.id) {}

DatabricksStatement::~DatabricksStatement() {
  Context context;
  context.deadline = Deadline::in(kDestructorTimeout);
  close(context);
}

// The caller's deadline with our own stop: cancel() from anywhere ends what waits.
Context DatabricksStatement::own_context(const Context& context) const {
  Context own = context;
  own.stop = stop_.get_token();
  if (own.request_id.empty()) own.request_id = request_id_;
  return own;
}

Status DatabricksStatement::wait(const Context& context) {
  const std::stop_callback on_stop(context.stop, [this] { cancel(); });
  const Context own = own_context(context);
  for (;;) {
    if (Status status = poll(own); !status) return status;
    bool is_rerun = false;
    if (Status status = finish(own, is_rerun); !status || !is_rerun) return status;
  }
}

Status DatabricksStatement::poll(const Context& context) {
  milliseconds span = kFirstPoll;
  while (launched_.answer.state == State::kPending || launched_.answer.state == State::kRunning) {
    if (Status status = rest(span, context); !status) return status;
    span = std::min(span * 3 / 2, kLastPoll);
    const std::string path = "/api/2.0/sql/statements/" + percent_encoded(launched_.answer.id);
    CallResult result =
        workspace_->api->call(http::Method::kGet, path, {}, http::Retry::kIdempotent, context);
    if (result.failed) return std::move(result.failed->error);
    launched_.body = std::move(result.response.body);
    launched_.wire_bytes = result.response.wire_bytes;
    Result<StatementAnswer> answer = parse_statement(launched_.body);
    if (!answer) return std::move(answer).error();
    if (answer->id != launched_.answer.id) {
      return invalid_answer("remote service answered for another statement");
    }
    launched_.answer = std::move(*answer);
  }
  const std::lock_guard lock(mutex_);
  is_terminal_ = true;
  remote_time_ = std::chrono::duration_cast<std::chrono::microseconds>(
      std::chrono::steady_clock::now() - submitted_at_);
  return kDone;
}

// Sleeps unless stopped.
Status DatabricksStatement::rest(milliseconds span, const Context& context) {
  std::unique_lock lock(mutex_);
  Context nap = context;
  nap.deadline = context.deadline.sooner(Deadline::in(span));
  Status status = wait_until(changed_, lock, nap, [] { return false; });
  if (!status && status.error().code == ErrorCode::kTimeout && !context.deadline.has_passed())
    return kDone;
  return status;
}

Status DatabricksStatement::finish(const Context& context, bool& is_rerun) {
  const StatementAnswer& answer = launched_.answer;
  switch (answer.state) {
    case State::kSucceeded:
      return start_reading();
    case State::kClosed:
      return gone_error(answer.id);
    case State::kCanceled:
      return stop_.stop_requested() ? cancelled_error() : cancelled_elsewhere(answer.id);
    default:
      break;
  }
  if (!may_relaunch_ || !is_about_disposition(answer.failure))
    return error_of_statement(answer.failure, answer.id);
  may_relaunch_ = false;
  is_rerun = true;
  const bool was_inline = launched_.disposition == Disposition::kInline;
  if (!was_inline) workspace_->allows_links = false;
  return relaunch(was_inline ? Disposition::kExternalLinks : Disposition::kInline, context);
}

// The failed statement is closed; its successor takes its place.
Status DatabricksStatement::relaunch(Disposition disposition, const Context& context) {
  end_statement(workspace_->api, launched_.answer.id, Ending::kClose, Deadline::in(kEndTimeout),
                {});
  Result<Launched> launched = launch(workspace_, query_, disposition, context);
  if (!launched) return std::move(launched).error();
  launched_ = std::move(*launched);
  const std::lock_guard lock(mutex_);
  id_ = launched_.answer.id;
  is_terminal_ = false;
  if (!stop_.stop_requested()) return kDone;
  end_statement(workspace_->api, id_, Ending::kCancelAndClose, Deadline::in(kEndTimeout), {});
  is_closed_ = true;
  return cancelled_error();
}

Status DatabricksStatement::check_manifest() const {
  if (!launched_.answer.manifest) {
    return invalid_answer("remote result has no description");
  }
  const Manifest& manifest = *launched_.answer.manifest;
  if (manifest.is_truncated) {
    return Error{ErrorCode::kCapExceeded, "remote result was truncated by the warehouse",
                 "Statement " + launched_.answer.id + " exceeds a row or byte limit of Databricks.",
                 "Read fewer rows or columns at a time."};
  }
  if (!manifest.format.empty() && manifest.format != "JSON_ARRAY") {
    return invalid_answer("remote result has another format than the one asked for");
  }
  const bool has_columns = !manifest.columns.empty() || manifest.column_count.value_or(0) > 0;
  const std::uint64_t count =
      manifest.columns.empty() ? manifest.column_count.value_or(0) : manifest.columns.size();
  if (has_columns && count != query_.columns.size()) {
    return Error{ErrorCode::kInvalidResponse, "remote result has another number of columns",
                 "It has " + std::to_string(count) + " columns instead of " +
                     std::to_string(query_.columns.size()) + ".",
                 "Import the remote table again."};
  }
  return kDone;
}

Status DatabricksStatement::start_reading() {
  if (Status status = check_manifest(); !status) return status;
  ChunkReaderOptions options;
  options.format = {query_.columns, launched_.answer.manifest->columns, query_.batch_bytes};
  options.window_bytes = query_.window_bytes;
  options.total_rows = launched_.answer.manifest->total_row_count;
  options.request_id = request_id_;
  Result<std::shared_ptr<ResultSource>> source =
      ResultSource::create(workspace_->api, std::move(launched_));
  if (!source) return std::move(source).error();
  auto reader =
      std::make_shared<ChunkReader>(std::move(*source), workspace_->pool, std::move(options));
  {
    const std::lock_guard lock(mutex_);
    reader_ = reader;
  }
  if (!stop_.stop_requested()) return kDone;
  reader->stop();  // cancel() came before the reader was there
  return cancelled_error();
}

Result<std::optional<Batch>> DatabricksStatement::next_batch(const Context& context) {
  const std::stop_callback on_stop(context.stop, [this] { cancel(); });
  std::shared_ptr<ChunkReader> reader;
  {
    const std::lock_guard lock(mutex_);
    reader = reader_;
  }
  if (!reader)
    return Error{ErrorCode::kInternal, "next_batch() before wait() has succeeded", "", ""};
  Result<std::optional<Batch>> batch = reader->next(own_context(context));
  if (batch || batch.error().code != ErrorCode::kInvalidResponse) return batch;
  Error error = batch.error();
  error.detail += " Statement: " + stats().query_id + ".";
  return error;
}

void DatabricksStatement::cancel() noexcept try {
  std::shared_ptr<ChunkReader> reader;
  std::string id;
  {
    const std::lock_guard lock(mutex_);
    reader = reader_;
    if (!is_terminal_ && !is_cancel_sent_ && !is_closed_) id = id_;
    if (!id.empty()) is_cancel_sent_ = true;
  }
  stop_.request_stop();
  if (reader) reader->stop();
  if (id.empty()) return;
  Context context;
  context.deadline = Deadline::in(kEndTimeout);
  context.request_id = request_id_;
  workspace_->api->start(http::Method::kPost,
                         "/api/2.0/sql/statements/" + percent_encoded(id) + "/cancel", {},
                         http::Retry::kIdempotent, context, [](const CallResult&) {});
} catch (const std::bad_alloc&) {
  stop_.request_stop();  // the close that follows tries again
}

// True if there is something to end, and how. A cancel that was sent needs no second one.
bool DatabricksStatement::begin_end(Ending& ending, std::string& id) {
  const std::lock_guard lock(mutex_);
  if (is_closed_) return false;
  is_closed_ = true;
  ending = is_terminal_ || is_cancel_sent_ ? Ending::kClose : Ending::kCancelAndClose;
  id = id_;
  return true;
}

void DatabricksStatement::close(const Context& context) noexcept try {
  stop_.request_stop();
  std::shared_ptr<ChunkReader> reader;
  {
    const std::lock_guard lock(mutex_);
    reader = reader_;
  }
  if (reader) reader->stop();
  Ending ending = Ending::kClose;
  std::string id;
  if (!begin_end(ending, id)) return;
  auto pending = std::make_shared<Pending<Done>>();
  end_statement(workspace_->api, id, ending, Deadline::in(kEndTimeout),
                [pending] { pending->complete(kDone); });
  static_cast<void>(
      pending->wait(context));  // who doesn't want to wait longer leaves the rest to the service
} catch (const std::bad_alloc&) {
  // Nothing can be sent without memory; the service ends what nobody polls.
}

QueryStats DatabricksStatement::stats() const {
  QueryStats stats;
  std::shared_ptr<ChunkReader> reader;
  {
    const std::lock_guard lock(mutex_);
    stats.query_id = id_;
    stats.remote_time = remote_time_;
    reader = reader_;
  }
  if (!reader) return stats;
  const ChunkReaderStats read = reader->stats();
  stats.rows = read.rows;
  stats.bytes_received = read.bytes_received;
  stats.chunks = read.chunks;
  return stats;
}

}  // namespace lakehouse::warehouse::databricks
