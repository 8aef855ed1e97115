// SPDX-License-Identifier: PostgreSQL
// RevocationWatch: ends the requests of connections that were revoked or dropped, and drops their
// tokens. It listens to the database, on a connection of its own; a notification says only that it
// is time to look, so that a forged one does no harm. It also looks by itself every few seconds.
#pragma once

#include <string>
#include <thread>

#include "worker/db/connection.hpp"
#include "worker/gateway/uses.hpp"
#include "worker/log/log.hpp"
#include "worker/warehouses/registry.hpp"

namespace lakehouse::worker::warehouses {

class RevocationWatch {
 public:
  // References outlive it.
  RevocationWatch(db::Target target, gateway::Uses& uses, Registry& registry, log::Log& log);

 private:
  void run(const std::stop_token& stop);
  Status listen(const std::stop_token& stop);
  Status look(db::Connection& connection, const std::stop_token& stop);
  void end(const std::string& connection_id, bool is_dropped);
  void report_failure(const Error& error);

  const db::Target target_;
  gateway::Uses& uses_;
  Registry& registry_;
  log::Log& log_;
  bool has_failed_ = false;
  std::jthread thread_;  // last: it uses everything above
};

}  // namespace lakehouse::worker::warehouses
