// SPDX-License-Identifier: PostgreSQL
// Progress: tells others how far a job is, in lakehouse.publish_steps, twice a second as long as it
// moves. That it can't be told is no reason to fail a job.
#pragma once

#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

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

  void set_tables(std::size_t total);
  // `expected_rows`: about; negative: not known.
  void begin_table(const std::string& table_id, std::int64_t expected_rows);
  void end_table();
  void begin_phase(std::string_view phase);
  void add_rows(std::int64_t rows);
  void add_bytes(std::int64_t bytes);

 private:
  struct State {
    std::string table_id, phase = "starting";
    std::int64_t rows = 0, expected_rows = -1, tables_done = 0, tables_total = 0, bytes = 0;
    bool operator==(const State&) const = default;
  };
  void run(const std::stop_token& stop);
  void tell(const State& state) const;

  db::Pool& pool_;
  const std::int64_t job_id_;
  const std::string tenant_id_;
  const std::string request_id_;
  std::mutex mutex_;
  State state_;
  std::jthread thread_;  // last: it uses everything above
};

}  // namespace lakehouse::worker::publish
