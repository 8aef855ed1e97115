// SPDX-License-Identifier: PostgreSQL
// Through the pool: what the job's own connections write is seen by nobody until it is over.
#include "worker/publish/progress.hpp"

#include <algorithm>

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
    : pool_(pool), job_id_(job_id), tenant_id_(std::move(tenant_id)), context_(context) {
  tell(true);
}

Progress::~Progress() {
  const Context bounded{Deadline::in(kPatience), {}, context_.request_id};
  (void)pool_.query({kForget, {db::Value::integer(job_id_)}, "forget_progress"}, bounded);
}

void Progress::begin_table(const std::string& table_id, std::int64_t expected_rows) {
  table_id_ = table_id;
  expected_rows_ = std::max<std::int64_t>(expected_rows, -1);
  rows_ = 0;
}

void Progress::end_table() {
  ++tables_done_;
  table_id_.clear();
  tell(false);
}

void Progress::begin_phase(std::string_view phase) {
  phase_ = phase;
  tell(false);
}

void Progress::add_rows(std::int64_t rows) {
  rows_ += rows;
  tell(false);
}

void Progress::tell(bool is_due) {
  const auto now = std::chrono::steady_clock::now();
  if (!is_due && now - told_ < kPause) return;
  told_ = now;
  using db::Value;
  const db::Statement statement{
      kTell,
      {Value::integer(job_id_), Value::text(tenant_id_), Value::text(table_id_),
       Value::text(phase_), Value::integer(rows_), Value::integer(expected_rows_),
       Value::integer(tables_done_), Value::integer(tables_total_), Value::integer(bytes_)},
      "tell_progress"};
  const Context bounded{context_.deadline.sooner(Deadline::in(kPatience)), context_.stop,
                        context_.request_id};
  (void)pool_.query(statement, bounded);
}

}  // namespace lakehouse::worker::publish
