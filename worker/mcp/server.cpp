// SPDX-License-Identifier: PostgreSQL
// Construction and end.
#include "worker/mcp/server.hpp"

namespace lakehouse::worker::mcp {

Server::Server(const Parts& parts)
    : sessions_(parts.database),
      calls_(parts.tools, parts.library, parts.gate, parts.vault, running_),
      methods_(parts.tools, parts.library, sessions_, calls_, listeners_, tool_lists_),
      endpoint_(parts.gate, methods_, sessions_, running_, listeners_),
      bus_(parts.target, running_, listeners_, tool_lists_, parts.log) {}

void Server::stop() {
  listeners_.end_all();
  running_.end_all();
}

}  // namespace lakehouse::worker::mcp
