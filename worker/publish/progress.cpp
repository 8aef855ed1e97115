// SPDX-License-Identifier: PostgreSQL
// Through the pool: what the job's own connections write is seen by nobody until it is over.
#include "worker/publish/progress.hpp"

#include <algorithm>
#include <chrono>

#include "worker/io/readiness.hpp"

namespace lakehouse::worker::publish {
namespace {

constexpr std::chrono::milliseconds kPause{500};
constexpr std::chrono::milliseconds kPatience{2'000};

constexpr const char* kTell =
    "INSERT INTO lakehouse.publish_steps AS s (job_id, tenant_id, table_id, phase, rows_done, "
    "rows_expected, tables_done, tables_total, bytes_written) "
    "VALUES ($1, $2, nullif($3, '')::uuid, $4, $5, nullif($6, -1), $7, $8, $9) "
    "ON CONFLICT (job_id) DO UPDATE SET table_id = excluded.table_id, phase = excluded.phase, "
    "rows_done = excluded.rows_done, rows_expected = excluded.rows_expected, "
    "tables_done = excluded.tables_done, tables_total = excluded.tables_total, "
    "bytes_written = excluded.bytes_written, updated_at = clock_timestamp()";
constexpr const char* kForget = "DELETE FROM lakehouse.publish_steps WHERE job_id = $1";

}  // namespace

Progress::Progress(db::Pool& pool, std::int64_t job_id, std::string tenant_id,
                   const Context& context)
    : pool_(pool),
      job_id_(job_id),
      tenant_id_(std::move(tenant_id)),
      request_id_(context.request_id) {
  tell(state_);  // so that a death of the worker leaves a trace
  thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
}

Progress::~Progress() {
  thread_.request_stop();
  thread_.join();
  const Context bounded{Deadline::in(kPatience), {}, request_id_};
  (void)pool_.query({kForget, {db::Value::integer(job_id_)}, "forget_progress"}, bounded);
}

void Progress::set_tables(std::size_t total) {
  const std::scoped_lock lock(mutex_);
  state_.tables_total = static_cast<std::int64_t>(total);
}

void Progress::begin_table(const std::string& table_id, std::int64_t expected_rows) {
  const std::scoped_lock lock(mutex_);
  state_.table_id = table_id;
  state_.expected_rows = std::max<std::int64_t>(expected_rows, -1);
  state_.rows = 0;
}

void Progress::end_table() {
  const std::scoped_lock lock(mutex_);
  ++state_.tables_done;
  state_.table_id.clear();
}

void Progress::begin_phase(std::string_view phase) {
  const std::scoped_lock lock(mutex_);
  state_.phase = phase;
}

void Progress::add_rows(std::int64_t rows) {
  const std::scoped_lock lock(mutex_);
  state_.rows += rows;
}

void Progress::add_bytes(std::int64_t bytes) {
  const std::scoped_lock lock(mutex_);
  state_.bytes += bytes;
}

void Progress::run(const std::stop_token& stop) {
  State told;
  while (!stop.stop_requested()) {
    io::wait_until_ready(-1, 0, Context{Deadline::in(kPause), stop, {}});
    State now;
    {
      const std::scoped_lock lock(mutex_);
      now = state_;
    }
    if (now == told || stop.stop_requested()) continue;
    tell(now);
    told = std::move(now);
  }
}

void Progress::tell(const State& state) const {
  using db::Value;
  const db::Statement statement{
      kTell,
      {Value::integer(job_id_), Value::text(tenant_id_), Value::text(state.table_id),
       Value::text(state.phase), Value::integer(state.rows), Value::integer(state.expected_rows),
       Value::integer(state.tables_done), Value::integer(state.tables_total),
       Value::integer(state.bytes)},
      "tell_progress"};
  (void)pool_.query(statement, Context{Deadline::in(kPatience), {}, request_id_});
}

}  // namespace lakehouse::worker::publish
