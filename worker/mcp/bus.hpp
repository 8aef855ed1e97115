// SPDX-License-Identifier: PostgreSQL
// Bus: what this worker must hear of the others and of the database: messages for requests that run
// here, lists and resources that changed, tokens that were revoked, sessions that ended or
// subscribed. A thread and a connection of its own.
#pragma once

#include <set>
#include <string>
#include <thread>

#include "worker/db/connection.hpp"
#include "worker/log/log.hpp"
#include "worker/mcp/listeners.hpp"
#include "worker/mcp/running.hpp"
#include "worker/mcp/tool_lists.hpp"

namespace lakehouse::worker::mcp {

class Bus {
 public:
  // References outlive it.
  Bus(db::Target target, Running& running, Listeners& listeners, ToolLists& tool_lists,
      log::Log& log);

 private:
  void run(const std::stop_token& stop);
  Status listen(const std::stop_token& stop);
  Status hear(db::Connection& connection, std::set<std::string>& changes, const Context& context);
  Status take_messages(db::Connection& connection, const Context& context);
  Status end_revoked(db::Connection& connection, const Context& context);
  Status follow_sessions(db::Connection& connection, const Context& context);
  // False if no request here waits for it.
  bool pass_on(const std::string& session, const json::Value& message);
  void announce(const std::string& what);

  const db::Target target_;
  Running& running_;
  Listeners& listeners_;
  ToolLists& tool_lists_;
  log::Log& log_;
  bool has_failed_ = false;
  std::jthread thread_;  // last: it uses everything above
};

}  // namespace lakehouse::worker::mcp
