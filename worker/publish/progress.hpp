// SPDX-License-Identifier: PostgreSQL
// Progress: tells others how far a job is, in lakehouse.publish_steps, at most twice a second. That
// it can't be told is no reason to fail a job.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/base/context.hpp"
#include "worker/db/pool.hpp"

namespace lakehouse::worker::publish {

class Progress {
 public:
  // References outlive it. The row is gone when it is.
  Progress(db::Pool& pool, std::int64_t job_id, std::string tenant_id, const Context& context);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void set_tables(std::size_t total) { tables_total_ = static_cast<std::int64_t>(total); }
  // `expected_rows`: about; negative: not known.
  void begin_table(const std::string& table_id, std::int64_t expected_rows);
  void end_table();
  void begin_phase(std::string_view phase);
  void add_rows(std::int64_t rows);
  void add_bytes(std::int64_t bytes) { bytes_ += bytes; }

 private:
  void tell(bool is_due);

  db::Pool& pool_;
  const std::int64_t job_id_;
  const std::string tenant_id_;
  const Context context_;
  std::string table_id_, phase_ = "starting";
  std::int64_t rows_ = 0, expected_rows_ = -1, tables_done_ = 0, tables_total_ = 0, bytes_ = 0;
  std::chrono::steady_clock::time_point told_{};
};

}  // namespace lakehouse::worker::publish
