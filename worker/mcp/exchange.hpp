// SPDX-License-Identifier: PostgreSQL
// Exchange: one message of a client, with everything that answering it needs to know.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "worker/http/message.hpp"
#include "worker/mcp/rpc.hpp"
#include "worker/mcp/version.hpp"
#include "worker/oauth/identity.hpp"

namespace lakehouse::worker::mcp {

// A legacy client's handshake, as its session row keeps it.
struct Session {
  std::string id;  // as the client sends it; empty before initialize has answered
  const Version* version = nullptr;
  json::Value capabilities;                // of the client
  std::vector<std::string> subscriptions;  // resources
  std::string log_level;                   // least severe that it wants; empty: none
};

struct Exchange {
  http::Request http;
  oauth::Identity caller;
  const Version* version = nullptr;
  Message message;
  std::optional<Session> session;  // legacy only

  bool is_modern() const noexcept { return version->era == Era::kModern; }
  // What the client can do, as it said for this request or in its handshake.
  const json::Value& capabilities() const;
  // As JSON; empty if the client wants no progress.
  std::string progress_token() const;
  // Least severe log level that the client wants; empty: none.
  std::string_view log_level() const;
  bool accepts_events() const;
};

// A result that lacks nothing of what its era's results carry; others may be sending it, too.
using ReadyResult = std::shared_ptr<const std::string>;

// A result is a JSON object; a Response answers instead of JSON-RPC (a challenge, a stream).
using Answer = std::variant<std::string, ReadyResult, RpcError, http::Response>;

RpcError invalid_params(std::string message, std::string data = {});

// What every result of the exchange's era carries beside its own members.
std::string complete(const Exchange& exchange, std::string result);

// `members` (JSON, without braces) appended to a JSON object.
std::string with_members(std::string object, std::string_view members);

}  // namespace lakehouse::worker::mcp
