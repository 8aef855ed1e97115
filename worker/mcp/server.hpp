// SPDX-License-Identifier: PostgreSQL
// Server: the parts of the MCP server together, in the order of who needs whom.
#pragma once

#include <vector>

#include "core/vault/vault.hpp"
#include "worker/db/pool.hpp"
#include "worker/mcp/bus.hpp"
#include "worker/mcp/endpoint.hpp"

namespace lakehouse::worker::mcp {

class Server {
 public:
  // What it needs of the worker; all of it outlives the server.
  struct Parts {
    const db::Target& target;
    db::Pool& database;
    oauth::Gate& gate;
    tools::Tools& tools;
    tools::Library& library;
    const vault::Vault& vault;
    log::Log& log;
  };
  explicit Server(const Parts& parts);

  // `this` must live as long as they are served.
  std::vector<http::Route> routes() { return endpoint_.routes(); }
  // Ends what runs and what listens; nothing new begins.
  void stop();

 private:
  Running running_;
  Listeners listeners_;
  Sessions sessions_;
  ToolLists tool_lists_;
  Calls calls_;
  Methods methods_;
  Endpoint endpoint_;
  Bus bus_;
};

}  // namespace lakehouse::worker::mcp
