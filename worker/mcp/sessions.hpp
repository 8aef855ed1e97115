// SPDX-License-Identifier: PostgreSQL
// Sessions: the handshakes of legacy clients, in lakehouse.mcp_sessions, so that any worker can go
// on where another began. An id is no credential: it is good for its own user and client alone.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "worker/db/pool.hpp"
#include "worker/mcp/exchange.hpp"

namespace lakehouse::worker::mcp {

class Sessions {
 public:
  explicit Sessions(db::Pool& database) : database_(database) {}

  // A new session; its id has 256 random bits. `capabilities` is the client's, as JSON.
  Result<std::string> begin(const oauth::Identity& caller, const Version& version,
                            const std::string& capabilities, const Context& context);
  // Nothing: unknown, ended, or somebody else's.
  Result<std::optional<Session>> find(const oauth::Identity& caller, std::string_view id,
                                      const Context& context);
  Status set_log_level(const Session& session, std::string_view level, const Context& context);
  Status subscribe(const Session& session, std::string_view uri, bool is_wanted,
                   const Context& context);
  Status end(const Session& session, const Context& context);

  // For whichever worker has the request that waits for it.
  Status forward(const Session& session, const std::string& message, const Context& context);

 private:
  db::Pool& database_;
};

}  // namespace lakehouse::worker::mcp
