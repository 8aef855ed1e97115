// SPDX-License-Identifier: PostgreSQL
// Events of a stream, and what the client says to those that ask.
#include "worker/mcp/conversation.hpp"

#include <openssl/rand.h>

#include <algorithm>
#include <array>

#include "core/base/base64.hpp"
#include "worker/json/text.hpp"

namespace lakehouse::worker::mcp {
namespace {

// RFC 5424, least severe first.
constexpr std::array<std::string_view, 8> kLevels{"debug", "info",     "notice", "warning",
                                                  "error", "critical", "alert",  "emergency"};

// What a client must have said it can do before it is asked.
struct Need {
  std::string_view method, capability;
};
constexpr std::array kNeeds{Need{"elicitation/create", "elicitation"},
                            Need{"sampling/createMessage", "sampling"},
                            Need{"roots/list", "roots"}};

auto rank(std::string_view level) { return std::find(kLevels.begin(), kLevels.end(), level); }

// No two requests of a session may share one, whichever worker makes them.
std::string new_request_id() {
  std::array<unsigned char, 12> bytes{};
  if (::RAND_bytes(bytes.data(), bytes.size()) != 1) return {};
  return json::quoted(to_base64url({reinterpret_cast<const char*>(bytes.data()), bytes.size()}));
}

}  // namespace

bool is_log_level(std::string_view level) { return rank(level) != kLevels.end(); }

Conversation::Conversation(const Exchange& exchange, http::Stream* stream, Running::Entry& entry)
    : exchange_(exchange),
      stream_(stream),
      entry_(entry),
      progress_token_(exchange.progress_token()) {}

void Conversation::on_progress(std::string_view progress, std::string_view message) {
  if (stream_ == nullptr || progress_token_.empty()) return;
  const auto given = json::parse(progress);
  if (!given) return;
  const json::Value* total = given->find("total");
  const json::Value* value = given->find("progress");
  const bool has_total = total != nullptr && !total->is(json::Value::Kind::kNull);
  const std::string params =
      json::object({{"progressToken", progress_token_},
                    {"progress", value == nullptr ? "0" : value->to_json()},
                    {"total", has_total ? total->to_json() : ""},
                    {"message", message.empty() ? "" : json::quoted(message)}});
  stream_->write(event(notification_text("notifications/progress", params)));
}

void Conversation::on_log(std::string_view level, std::string_view data) {
  const std::string_view least = exchange_.log_level();
  if (stream_ == nullptr || least.empty() || rank(level) < rank(least)) return;
  const std::string params =
      json::object({{"level", json::quoted(level)}, {"logger", "\"lakehouse\""}, {"data", data}});
  stream_->write(event(notification_text("notifications/message", params)));
}

std::optional<std::string> Conversation::ask(const json::Value& requests, const Context& context) {
  if (stream_ == nullptr || !exchange_.session) return std::nullopt;
  std::vector<std::pair<std::string, std::string>> sent;  // key and request id
  for (const json::Member& request : requests.members) {
    const std::string id = new_request_id();
    if (id.empty()) return std::nullopt;
    entry_.expect(id);
    const auto method = request.value.string("method");
    if (!method) return std::nullopt;
    const json::Value* params = request.value.find("params");
    const std::string text =
        request_text(id, *method, params == nullptr ? "{}" : params->to_json());
    if (!stream_->write(event(text))) return std::nullopt;
    sent.emplace_back(request.name, id);
  }
  std::string results = "{";
  for (const auto& [key, id] : sent) {
    const auto response = entry_.await(id, context);
    const json::Value* result = response ? response->find("result") : nullptr;
    if (result == nullptr) return std::nullopt;
    if (results.size() > 1) results.push_back(',');
    results += json::quoted(key) + ":" + result->to_json();
  }
  return results + "}";
}

std::string missing_capabilities(const json::Value& requests, const json::Value& capabilities) {
  std::string missing = "{";
  for (const Need& need : kNeeds) {
    const bool is_needed = std::any_of(requests.members.begin(), requests.members.end(),
                                       [&need](const json::Member& request) {
                                         return request.value.string("method") == need.method;
                                       });
    if (!is_needed || capabilities.find(need.capability) != nullptr) continue;
    if (missing.size() > 1) missing.push_back(',');
    missing += json::quoted(need.capability) + ":{}";
  }
  return missing + "}";
}

}  // namespace lakehouse::worker::mcp
