// SPDX-License-Identifier: PostgreSQL
// Housekeeping: what piles up beside publishes, whether or not anybody publishes: folders of tables
// that are published no more, jobs of long ago, captured changes. Several workers may do it.
#pragma once

#include <chrono>
#include <string>
#include <thread>

#include "core/base/context.hpp"
#include "core/base/result.hpp"
#include "worker/db/connection.hpp"
#include "worker/log/log.hpp"
#include "worker/publish/stores.hpp"

namespace lakehouse::worker::publish {

class Housekeeping {
 public:
  // References outlive it.
  Housekeeping(const db::Target& database, Stores& stores, log::Log& log);

  void stop() { thread_.request_stop(); }

 private:
  void run(const std::stop_token& stop);
  Status listen(const std::stop_token& stop);
  Status empty_abandoned_folders(db::Connection& connection, const Context& context);
  Status tidy_rows(const Context& context);
  Status fold_captures(db::Connection& connection, const Context& context);
  void report_trouble(const Error& error);

  const db::Target& database_;
  Stores& stores_;
  log::Log& log_;
  Deadline next_tidying_ = Deadline::in(std::chrono::seconds(0));
  bool has_failed_ = false;
  std::jthread thread_;  // last: it uses everything above
};

}  // namespace lakehouse::worker::publish
