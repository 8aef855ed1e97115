// SPDX-License-Identifier: PostgreSQL
// JSON-RPC texts, read and written.
#include "worker/mcp/rpc.hpp"

#include "worker/json/text.hpp"

namespace lakehouse::worker::mcp {
namespace {

constexpr std::string_view kVersion = "\"2.0\"";
constexpr std::size_t kMostIdBytes = 256;

Unreadable invalid(std::string id, std::string message) {
  return {std::move(id), {RpcCode::kInvalidRequest, std::move(message), "", 400}};
}

// As JSON; empty if it is none of the kinds an id may have.
std::string id_text(const json::Value& id) {
  if (!id.is(json::Value::Kind::kString) && !id.is(json::Value::Kind::kInteger)) return {};
  std::string text = id.to_json();
  return text.size() > kMostIdBytes ? std::string() : text;
}

}  // namespace

std::variant<Message, Unreadable> read_message(const json::Value& value) {
  if (!value.is(json::Value::Kind::kObject)) return invalid("", "a message must be an object");
  const json::Value* id = value.find("id");
  std::string id_json = id == nullptr ? "" : id_text(*id);
  if (id != nullptr && id_json.empty()) return invalid("", "an id must be a string or an integer");
  if (value.string("jsonrpc") != "2.0") return invalid(id_json, "jsonrpc must be \"2.0\"");

  const bool is_response = value.find("result") != nullptr || value.find("error") != nullptr;
  const auto method = value.string("method");
  if (is_response) {
    if (id == nullptr || value.find("method") != nullptr)
      return invalid(id_json, "malformed response");
    return Message{MessageKind::kResponse, std::move(id_json), {}, {}, value};
  }
  if (!method) return invalid(id_json, "a request must have a method");
  const json::Value* params = value.find("params");
  if (params != nullptr && !params->is(json::Value::Kind::kObject)) {
    return Unreadable{std::move(id_json),
                      {RpcCode::kInvalidParams, "params must be an object", "", 400}};
  }
  return Message{id == nullptr ? MessageKind::kNotification : MessageKind::kRequest,
                 std::move(id_json),
                 std::string(*method),
                 value.object("params"),
                 {}};
}

std::string result_text(std::string_view id, std::string_view result) {
  return json::object({{"jsonrpc", kVersion}, {"id", id}, {"result", result}});
}

std::string error_text(std::string_view id, const RpcError& error) {
  const std::string inner = json::object({{"code", std::to_string(static_cast<int>(error.code))},
                                          {"message", json::quoted(error.message)},
                                          {"data", error.data}});
  return json::object({{"jsonrpc", kVersion}, {"id", id.empty() ? "null" : id}, {"error", inner}});
}

std::string notification_text(std::string_view method, std::string_view params) {
  return json::object(
      {{"jsonrpc", kVersion}, {"method", json::quoted(method)}, {"params", params}});
}

std::string request_text(std::string_view id, std::string_view method, std::string_view params) {
  return json::object(
      {{"jsonrpc", kVersion}, {"id", id}, {"method", json::quoted(method)}, {"params", params}});
}

std::string event(std::string_view message) {
  std::string text = "event: message\ndata: ";
  text += message;  // JSON of ours has no line break
  text += "\n\n";
  return text;
}

}  // namespace lakehouse::worker::mcp
