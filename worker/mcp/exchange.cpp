// SPDX-License-Identifier: PostgreSQL
// What a client said of itself, wherever its era has it say so.
#include "worker/mcp/exchange.hpp"

#include <algorithm>

namespace lakehouse::worker::mcp {
namespace {

constexpr std::string_view kCapabilities = "io.modelcontextprotocol/clientCapabilities";
constexpr std::string_view kLogLevel = "io.modelcontextprotocol/logLevel";

}  // namespace

const json::Value& Exchange::capabilities() const {
  static const json::Value kNone{json::Value::Kind::kObject, {}, {}};
  if (is_modern()) return message.params.object("_meta").object(kCapabilities);
  return session ? session->capabilities : kNone;
}

std::string Exchange::progress_token() const {
  const json::Value* token = message.params.object("_meta").find("progressToken");
  const bool is_token = token != nullptr && (token->is(json::Value::Kind::kString) ||
                                             token->is(json::Value::Kind::kInteger));
  return is_token ? token->to_json() : "";
}

std::string_view Exchange::log_level() const {
  if (is_modern()) return message.params.object("_meta").string(kLogLevel).value_or("");
  return session ? std::string_view(session->log_level) : std::string_view();
}

bool Exchange::accepts_events() const {
  const std::string_view accepted = http.header("accept");
  return accepted.find("text/event-stream") != std::string_view::npos;
}

RpcError invalid_params(std::string message, std::string data) {
  return {RpcCode::kInvalidParams, std::move(message), std::move(data), 200};
}

std::string with_members(std::string object, std::string_view members) {
  const std::size_t end = object.find_last_of('}');
  if (end == std::string::npos || members.empty()) return object;
  const std::size_t last = object.find_last_not_of(" \n\t", end - 1);
  const bool is_empty = last == std::string::npos || object[last] == '{';
  object.resize(end);
  if (!is_empty) object.push_back(',');
  object += members;
  object.push_back('}');
  return object;
}

}  // namespace lakehouse::worker::mcp
