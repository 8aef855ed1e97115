// SPDX-License-Identifier: PostgreSQL
// JSON-RPC 2.0 as MCP uses it: what comes in, and the texts that go out.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "worker/json/value.hpp"

namespace lakehouse::worker::mcp {

// Codes of JSON-RPC, and those MCP adds (2026-07-28, basic/index, Error Codes).
enum class RpcCode : std::int16_t {
  kParseError = -32700,
  kInvalidRequest = -32600,
  kMethodNotFound = -32601,
  kInvalidParams = -32602,
  kInternalError = -32603,
  kHeaderMismatch = -32020,
  kMissingCapability = -32021,
  kUnsupportedVersion = -32022,
  kRateLimited = 429,  // ours: MCP has none, and -32000 to -32099 are not for us
};

struct RpcError {
  RpcCode code;
  std::string message;
  std::string data;       // JSON, or empty
  int http_status = 200;  // of the answer that carries it, where the era says so
};

enum class MessageKind : std::uint8_t { kRequest, kNotification, kResponse };

struct Message {
  MessageKind kind;
  std::string id;  // as JSON; empty in a notification
  std::string method;
  json::Value params;    // an object
  json::Value response;  // of a response: the whole message
};

// One message of a body; errors name what is wrong with it, and carry its id if there is one.
struct Unreadable {
  std::string id;
  RpcError error;
};
std::variant<Message, Unreadable> read_message(const json::Value& value);

std::string result_text(std::string_view id, std::string_view result);
std::string error_text(std::string_view id, const RpcError& error);
std::string notification_text(std::string_view method, std::string_view params);
std::string request_text(std::string_view id, std::string_view method, std::string_view params);

// One message as an event of a stream (text/event-stream).
std::string event(std::string_view message);

}  // namespace lakehouse::worker::mcp
