// SPDX-License-Identifier: PostgreSQL
// ReadCounts: how much recipients read, for stat_publish. Counted in memory, written every second:
// a worker that is killed loses the counts of that second, never a record of the audit log.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <tuple>

#include "worker/db/pool.hpp"
#include "worker/log/log.hpp"
#include "worker/sharing/admission.hpp"

namespace lakehouse::worker::sharing {

class ReadCounts {
 public:
  ReadCounts(db::Pool& pool, log::Log& log);
  ~ReadCounts();  // what is left is written, if the database answers

  void add(const Admission& who, std::int64_t bytes);

 private:
  using Key = std::tuple<std::string, std::string, std::string>;  // table, share, recipient
  struct Count {
    std::int64_t reads = 0, bytes = 0;
  };
  void write_every_second(const std::stop_token& stop);
  void write(const std::map<Key, Count>& counts);

  db::Pool& pool_;
  log::Log& log_;
  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::map<Key, Count> counts_;
  std::jthread thread_;  // last: it uses everything above
};

}  // namespace lakehouse::worker::sharing
