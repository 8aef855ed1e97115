// SPDX-License-Identifier: PostgreSQL
// StartedQueries: statements of models that take longer than a call may. The state is PostgreSQL's,
// in lakehouse.started_queries: any worker answers for what another runs, and cancels it.
#pragma once

#include <condition_variable>
#include <list>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "core/base/context.hpp"
#include "core/base/result.hpp"
#include "worker/db/pool.hpp"
#include "worker/gateway/services.hpp"
#include "worker/log/log.hpp"
#include "worker/tools/actor.hpp"
#include "worker/tools/rows_json.hpp"

namespace lakehouse::worker::tools {

class StartedQueries {
 public:
  // `rows`: connections for everything but the statements themselves, which have their own.
  StartedQueries(const db::Target& target, db::Pool& rows, gateway::AuditStore& audit,
                 TypeName type_name, log::Log& log);
  // Cancels what runs.
  ~StartedQueries();

  // {"query_id", "status", "poll_after_s"}, before the statement has begun.
  Result<Outcome> start(const oauth::Identity& caller, const std::string& sql,
                        const Context& context);
  // {"query_id", "status", …result or error}; waits up to `wait` for the end. NOT_FOUND for any but
  // the user who started it.
  Result<Outcome> poll(const oauth::Identity& caller, const std::string& id,
                       std::chrono::milliseconds wait, const Context& context);
  // {"query_id", "status"}: what it is from now on. Whichever worker runs it ends it within a
  // second, down to the remote statement. NOT_FOUND as above.
  Result<Outcome> cancel(const oauth::Identity& caller, const std::string& id,
                         const Context& context);

 private:
  struct Running {
    std::string id;
    std::jthread thread;
    bool has_ended = false;
  };
  struct Ran {
    Outcome outcome;
    std::string sqlstate;
  };
  void execute(const oauth::Identity& caller, const std::string& id, const std::string& sql,
               const std::stop_token& stop);
  Result<Ran> run(const oauth::Identity& caller, const std::string& id, const std::string& sql,
                  const std::stop_token& stop);
  Status note_session(db::Connection& connection, const std::string& id, const Context& context);
  void watch(const std::stop_token& stop);
  void stop_ended(const Context& context);
  std::vector<std::string> running_ids() const;
  void store(const std::string& id, const Result<Outcome>& outcome);
  void join_ended();

  db::Pool statements_, watching_;  // the second for watch() alone: it waits for no call
  db::Pool& rows_;
  gateway::AuditStore& audit_;
  const TypeName type_name_;
  log::Log& log_;
  mutable std::mutex mutex_;
  std::condition_variable_any begun_;
  std::list<Running> running_;
  std::jthread watch_;  // last: it uses everything above
};

}  // namespace lakehouse::worker::tools
