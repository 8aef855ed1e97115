// SPDX-License-Identifier: PostgreSQL
// The scan as plain sequential code; the stop token is what makes it end early.
#include "worker/gateway/scan.hpp"

#include <algorithm>
#include <chrono>

namespace lakehouse::worker::gateway {
namespace {

using std::chrono::milliseconds;

// How long the warehouse may take to confirm that a statement is closed.
constexpr milliseconds kCloseTime{2'000};
// Result memory of all scans together; a new scan gets at most its share of it.
constexpr std::uint64_t kWindowBudget = 512U << 20U;
constexpr std::uint64_t kDefaultWindow = 64U << 20U;
constexpr std::uint64_t kLeastWindow = 1U << 20U;

class Scan {
 public:
  Scan(wire::OpenScan request, ScanClient client, Services& services, const Context& context)
      : request_(std::move(request)), client_(client), services_(services), context_(context) {}

  Status stream();
  void cancel_remote() noexcept;
  void count_received();
  void log_end(const Status& ended) const;
  void close() noexcept;

 private:
  Status submit();
  Status send_batches();
  Status send_end();
  Context bounded() const;

  wire::OpenScan request_;
  ScanClient client_;
  Services& services_;
  const Context& context_;
  std::shared_ptr<warehouse::Warehouse> warehouse_;  // outlives its statement
  std::unique_ptr<warehouse::Statement> statement_;
  std::uint64_t sent_rows_ = 0;
  std::uint64_t counted_bytes_ = 0;
  const Deadline::Clock::time_point began_ = Deadline::Clock::now();
};

Result<std::vector<warehouse::OutputColumn>> to_columns(const std::vector<wire::ScanColumn>& wire) {
  std::vector<warehouse::OutputColumn> columns;
  for (const wire::ScanColumn& column : wire) {
    if (column.cell_type >= wire::kCellTypeCount) {
      return Error{ErrorCode::kProtocol, "unknown cell type in a scan request", "", ""};
    }
    columns.push_back(
        {static_cast<wire::CellType>(column.cell_type), column.precision, column.scale});
  }
  return columns;
}

std::vector<warehouse::Parameter> to_parameters(std::vector<wire::ScanParameter> wire) {
  std::vector<warehouse::Parameter> parameters;
  for (wire::ScanParameter& parameter : wire) {
    std::optional<std::string> value;
    if (!parameter.is_null) value = std::move(parameter.value);
    parameters.push_back({std::move(parameter.name), std::move(parameter.type), std::move(value)});
  }
  return parameters;
}

std::size_t window_of(std::uint64_t asked, std::uint64_t open_scans) {
  const std::uint64_t wanted = asked == 0 ? kDefaultWindow : asked;
  const std::uint64_t share = kWindowBudget / std::max<std::uint64_t>(open_scans, 1);
  return std::max(std::min(wanted, share), kLeastWindow);
}

Result<warehouse::Query> to_query(wire::OpenScan& request, std::uint64_t open_scans) {
  auto columns = to_columns(request.columns);
  if (!columns) return columns.error();
  warehouse::Query query;
  query.statement = std::move(request.statement);
  query.parameters = to_parameters(std::move(request.parameters));
  query.columns = *std::move(columns);
  query.window_bytes = window_of(request.window_bytes, open_scans);
  if (request.row_bound > 0) query.row_bound = request.row_bound;
  return query;
}

// From connection row to the last batch.
Status Scan::stream() {
  client_.credit.add(request_.credit);
  if (Status submitted = submit(); !submitted) return submitted;
  const std::stop_callback cancel_remote(context_.stop,
                                         [this]() noexcept { statement_->cancel(); });
  if (Status ready = statement_->wait(bounded()); !ready) return ready;
  wire::ScanStarted started{statement_->stats().query_id};
  if (Status sent = client_.channel.send(started, context_); !sent) return sent;
  if (Status sent = send_batches(); !sent) return sent;
  return send_end();
}

Status Scan::submit() {
  const Context bounded_context = bounded();
  auto found = services_.warehouses.find(request_.connection_id, bounded_context);
  if (!found) return found.error();
  warehouse_ = std::move(found->warehouse);
  auto query = to_query(request_, services_.counters.open_scans);
  if (!query) return query.error();
  auto statement = warehouse_->submit(*std::move(query), bounded_context);
  if (!statement) return statement.error();
  statement_ = *std::move(statement);
  return kDone;
}

Status Scan::send_batches() {
  for (;;) {
    auto batch = statement_->next_batch(bounded());
    if (!batch) return batch.error();
    count_received();
    if (!batch->has_value()) return kDone;
    if (Status granted = client_.credit.take(context_.stop); !granted) return granted;
    const warehouse::Batch& ready = **batch;
    if (Status sent = client_.channel.send(wire::MessageType::kBatch, ready.bytes, context_);
        !sent) {
      return sent;
    }
    sent_rows_ += ready.row_count;
    services_.counters.scan_rows += ready.row_count;
  }
}

Status Scan::send_end() {
  const warehouse::QueryStats stats = statement_->stats();
  wire::ScanEnded ended{stats.rows, stats.bytes_received, stats.chunks,
                        static_cast<std::uint64_t>(stats.remote_time.count())};
  return client_.channel.send(ended, context_);
}

// The request's timeout bounds each wait for the warehouse: until the result is there, and anew for
// every batch. Time that the backend takes to read is its own.
Context Scan::bounded() const {
  Context bounded = context_;
  if (request_.timeout_ms > 0) {
    const auto longest =
        static_cast<std::uint64_t>(milliseconds(std::chrono::hours(24 * 365)).count());
    const milliseconds span(std::min(request_.timeout_ms, longest));
    bounded.deadline = bounded.deadline.sooner(Deadline::in(span));
  }
  return bounded;
}

void Scan::count_received() {
  if (!statement_) return;
  const std::uint64_t received = statement_->stats().bytes_received;
  services_.counters.received_bytes += received - counted_bytes_;
  counted_bytes_ = received;
}

void Scan::log_end(const Status& ended) const {
  const std::string query_id = statement_ ? statement_->stats().query_id : "";
  const auto span = std::chrono::duration_cast<milliseconds>(Deadline::Clock::now() - began_);
  const log::Fields fields = {{"connection_id", std::string_view(request_.connection_id)},
                              {"query_id", std::string_view(query_id)},
                              {"rows", sent_rows_},
                              {"bytes_received", counted_bytes_},
                              {"duration_ms", std::int64_t{span.count()}}};
  if (ended) {
    services_.log.write(LogLevel::kInfo, "scan ended", context_.request_id, fields);
  } else {
    services_.log.failure("scan failed", ended.error(), context_.request_id, fields);
  }
}

// The callback in stream() may have been unregistered before its turn, or the runner may have seen
// the client go before the reader did; cancelling twice does no harm.
void Scan::cancel_remote() noexcept {
  if (statement_) statement_->cancel();
}

void Scan::close() noexcept {
  if (!statement_) return;
  statement_->close(Context{Deadline::in(kCloseTime), {}, context_.request_id});
  statement_.reset();
}

void count_outcome(const Status& ended, metrics::Counters& counters) {
  const bool is_cancelled = !ended && ended.error().code == ErrorCode::kCancelled;
  (ended          ? counters.scans_succeeded
   : is_cancelled ? counters.scans_cancelled
                  : counters.scans_failed)++;
}

}  // namespace

void run_scan(wire::OpenScan request, ScanClient client, Services& services,
              const AnswerFailure& answer, const Context& context) {
  const metrics::Presence presence(services.counters.open_scans);
  Scan scan(std::move(request), client, services, context);
  const Status ended = scan.stream();
  if (!ended && ended.error().code == ErrorCode::kCancelled) scan.cancel_remote();
  if (!ended) answer(ended.error());
  scan.count_received();
  count_outcome(ended, services.counters);
  scan.log_end(ended);
  scan.close();
}

}  // namespace lakehouse::worker::gateway
