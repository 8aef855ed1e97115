// SPDX-License-Identifier: PostgreSQL
// JSON texts, and the JSON-RPC messages that they are.
#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "tests/fuzz/require.hpp"
#include "worker/json/text.hpp"
#include "worker/json/value.hpp"
#include "worker/mcp/exchange.hpp"

namespace lakehouse::worker {
namespace {

using fuzz::require;

constexpr std::size_t kMostDepth = 64, kLessDepth = 8;
constexpr std::size_t kLevelsWithoutTwins = 3;
// Of a number with an exponent, or of a character that is escaped when it is written.
constexpr std::size_t kMostGrowth = 8, kLongestNumber = 32;

void check_text(std::string_view text) {
  const std::string quoted = json::quoted(text);
  const bool has_control = std::ranges::any_of(
      quoted, [](char c) { return static_cast<unsigned char>(c) < ' ' || c == '\x7f'; });
  require(!has_control, "a quoted text is one line");
  const auto read = json::parse(quoted);
  require(read && read->is(json::Value::Kind::kString), "a quoted text is JSON");
  require(read->text == json::well_formed(text), "a quoted text reads as it was");
  require(json::is_well_formed(read->text), "a text is UTF-8");
  require(json::is_well_formed(text) == (read->text == text), "UTF-8 is not replaced");
}

std::size_t depth_of(const json::Value& value) {  // NOLINT(misc-no-recursion)
  std::size_t deepest = 0;
  for (const json::Member& member : value.members) {
    deepest = std::max(deepest, depth_of(member.value));
  }
  const bool nests = value.is(json::Value::Kind::kArray) || value.is(json::Value::Kind::kObject);
  return deepest + (nests ? 1 : 0);
}

void check_names(const json::Value& value, std::size_t level) {  // NOLINT(misc-no-recursion)
  if (level == kLevelsWithoutTwins) return;
  for (const json::Member& member : value.members) {
    if (value.is(json::Value::Kind::kObject)) {
      require(value.find(member.name) == &member.value, "a name stands there once");
    }
    check_names(member.value, level + 1);
  }
}

// What is looked into and what is passed on as bytes must be the same.
void check_part(std::string_view text, const json::Value* found,
                std::initializer_list<std::string_view> path) {
  const auto raw = json::raw_object(text, path);
  const bool is_object = found != nullptr && found->is(json::Value::Kind::kObject);
  require(raw.has_value() == is_object, "a part is found as bytes where it is found as a value");
  if (!raw) return;
  require(text.find(*raw) != std::string_view::npos, "a part's bytes are the text's");
  const auto part = json::parse(*raw);  // fails of twins, which are forbidden less deep in a part
  require(!part || part->to_json() == found->to_json(), "a part's bytes are its value");
}

void check_value(std::string_view text, const json::Value& value) {
  require(json::is_well_formed(text), "JSON is UTF-8");
  require(depth_of(value) <= kMostDepth, "depth is bounded");
  const std::string written = value.to_json();
  require(written.size() <= kMostGrowth * text.size() + kLongestNumber, "size is bounded");
  const auto again = json::parse(written);
  require(again && again->to_json() == written, "a written value reads as it was");
  const auto shallow = json::parse(text, kLessDepth);
  require(!shallow || depth_of(value) <= kLessDepth, "a given depth is the bound");
  check_names(value, 0);
  for (const json::Member& member : value.members) {
    if (!value.is(json::Value::Kind::kObject)) break;
    check_part(text, value.find(member.name), {member.name});
  }
  check_part(text, value.object("params").find("arguments"), {"params", "arguments"});
}

void check_answer(const std::string& text, const std::string& id) {
  require(text.find('\n') == std::string::npos, "a message is one line of an event");
  const auto answer = json::parse(text);
  require(answer && answer->find("id") != nullptr, "an answer is JSON");
  require(answer->find("id")->to_json() == (id.empty() ? "null" : id), "an answer has its id");
}

void check_exchange(mcp::Message message, const mcp::Version& version) {
  mcp::Exchange exchange;
  exchange.version = &version;
  exchange.message = std::move(message);
  require(exchange.capabilities().is(json::Value::Kind::kObject), "capabilities are an object");
  const std::string token = exchange.progress_token();
  require(token.empty() || json::parse(token), "a progress token is JSON");
  const std::string params = mcp::with_members(exchange.message.params.to_json(), "\"added\":1");
  const auto longer = json::parse(params, kMostDepth);
  const bool had_it = exchange.message.params.find("added") != nullptr;
  require(had_it || (longer && longer->find("added") != nullptr), "members can be added");
}

void check_message(const json::Value& value) {
  auto read = mcp::read_message(value);
  if (const auto* wrong = std::get_if<mcp::Unreadable>(&read)) {
    return check_answer(mcp::error_text(wrong->id, wrong->error), wrong->id);
  }
  auto& message = std::get<mcp::Message>(read);
  require(value.string("jsonrpc") == "2.0", "a message says so");
  require(message.id.empty() == (message.kind == mcp::MessageKind::kNotification),
          "all but notifications have an id");
  require(message.id.size() <= 256, "an id is bounded");
  if (message.kind == mcp::MessageKind::kResponse) return;
  require(message.params.is(json::Value::Kind::kObject), "parameters are an object");
  const auto note = json::parse(mcp::notification_text(message.method, "{}"));
  require(note && note->string("method") == message.method, "a method can be written");
  if (!message.id.empty()) check_answer(mcp::result_text(message.id, "{}"), message.id);
  check_exchange(message, mcp::kModern);
  check_exchange(std::move(message), mcp::kNewestLegacy);
}

}  // namespace
}  // namespace lakehouse::worker

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  lakehouse::worker::check_text(text);
  const auto value = lakehouse::worker::json::parse(text);
  if (!value) return 0;
  lakehouse::worker::check_value(text, *value);
  lakehouse::worker::check_message(*value);
  for (const auto& item : value->members) lakehouse::worker::check_message(item.value);
  return 0;
}
