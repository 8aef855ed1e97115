// SPDX-License-Identifier: PostgreSQL
// StartedQueries: statements of models that take longer than a call may. The state is PostgreSQL's,
// in lakehouse.started_queries: any worker answers for what another runs.
#pragma once

#include <list>
#include <mutex>
#include <string>
#include <thread>

#include "core/base/context.hpp"
#include "core/base/result.hpp"
#include "worker/db/pool.hpp"
#include "worker/log/log.hpp"
#include "worker/tools/actor.hpp"
#include "worker/tools/rows_json.hpp"

namespace lakehouse::worker::tools {

class StartedQueries {
 public:
  // `rows`: connections for everything but the statements themselves, which have their own.
  StartedQueries(const db::Target& target, db::Pool& rows, TypeName type_name, log::Log& log);
  // Cancels what runs.
  ~StartedQueries();

  // {"query_id", "status", "poll_after_s"}, before the statement has begun.
  Result<Outcome> start(const oauth::Identity& caller, const std::string& sql,
                        const Context& context);
  // {"query_id", "status", …result or error}; waits up to `wait` for the end. NOT_FOUND for any but
  // the user who started it.
  Result<Outcome> poll(const oauth::Identity& caller, const std::string& id,
                       std::chrono::milliseconds wait, const Context& context);

 private:
  struct Running {
    std::jthread thread;
    bool has_ended = false;
  };
  void execute(const oauth::Identity& caller, const std::string& id, const std::string& sql,
               const std::stop_token& stop);
  Status note_session(db::Connection& connection, const std::string& id, const Context& context);
  void store(const std::string& id, const Result<Outcome>& outcome);
  void join_ended();

  db::Pool statements_;
  db::Pool& rows_;
  const TypeName type_name_;
  log::Log& log_;
  std::mutex mutex_;
  std::list<Running> running_;
};

}  // namespace lakehouse::worker::tools
