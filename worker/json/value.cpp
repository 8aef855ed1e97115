// SPDX-License-Identifier: PostgreSQL
// simdjson's DOM reads and validates; its On-Demand API finds the bytes of a part.
#include "worker/json/value.hpp"

#include <simdjson.h>

#include <algorithm>

#include "worker/json/text.hpp"

namespace lakehouse::worker::json {
namespace {

using simdjson::dom::element;
using simdjson::dom::element_type;

constexpr std::size_t kLevelsWithoutTwins = 3;

Error malformed(std::string detail) {
  return {ErrorCode::kInvalidArgument, "malformed JSON", std::move(detail), ""};
}

bool has_twins(const std::vector<Member>& members) {
  std::vector<std::string_view> names;
  names.reserve(members.size());
  for (const Member& member : members) names.push_back(member.name);
  std::sort(names.begin(), names.end());
  return std::adjacent_find(names.begin(), names.end()) != names.end();
}

// False if an object of the first levels names a member twice.
bool copy(const element& source, Value& target, std::size_t level) {  // NOLINT(misc-no-recursion)
  switch (source.type()) {
    case element_type::NULL_VALUE:
      return true;
    case element_type::BOOL:
      target.kind = Value::Kind::kBoolean;
      target.text = bool(source) ? "true" : "false";
      return true;
    case element_type::INT64:
    case element_type::UINT64:
      target.kind = Value::Kind::kInteger;
      target.text = simdjson::to_string(source);
      return true;
    case element_type::DOUBLE:
      target.kind = Value::Kind::kNumber;
      target.text = simdjson::to_string(source);
      return true;
    case element_type::STRING:
      target.kind = Value::Kind::kString;
      target.text = std::string_view(source);
      return true;
    case element_type::ARRAY:
      target.kind = Value::Kind::kArray;
      for (const element item : simdjson::dom::array(source)) {
        if (!copy(item, target.members.emplace_back().value, level + 1)) return false;
      }
      return true;
    case element_type::OBJECT:
      target.kind = Value::Kind::kObject;
      for (const auto& [name, item] : simdjson::dom::object(source)) {
        Member& member = target.members.emplace_back();
        member.name = name;
        if (!copy(item, member.value, level + 1)) return false;
      }
      return level >= kLevelsWithoutTwins || !has_twins(target.members);
  }
  return true;
}

// Goes on to the object that is the first member of this name, as Value::find has it. simdjson's
// own search compares names as they are written, so that one with an escape would be another.
bool enter(simdjson::ondemand::object& here, std::string_view name) {
  for (auto member : here) {
    std::string_view found;
    if (member.unescaped_key().get(found) != simdjson::SUCCESS) return false;
    if (found != name) continue;
    simdjson::ondemand::object next;
    if (member.value().get_object().get(next) != simdjson::SUCCESS) return false;
    here = next;
    return true;
  }
  return false;
}

void append(std::string& out, const Value& value) {  // NOLINT(misc-no-recursion)
  switch (value.kind) {
    case Value::Kind::kNull:
      out += "null";
      return;
    case Value::Kind::kString:
      append_quoted(out, value.text);
      return;
    case Value::Kind::kBoolean:
    case Value::Kind::kInteger:
    case Value::Kind::kNumber:
      out += value.text;
      return;
    case Value::Kind::kArray:
    case Value::Kind::kObject:
      break;
  }
  const bool is_object = value.is(Value::Kind::kObject);
  out.push_back(is_object ? '{' : '[');
  bool is_first = true;
  for (const Member& member : value.members) {
    if (!std::exchange(is_first, false)) out.push_back(',');
    if (is_object) {
      append_quoted(out, member.name);
      out.push_back(':');
    }
    append(out, member.value);
  }
  out.push_back(is_object ? '}' : ']');
}

}  // namespace

const Value* Value::find(std::string_view name) const noexcept {
  if (!is(Kind::kObject)) return nullptr;
  for (const Member& member : members) {
    if (member.name == name) return &member.value;
  }
  return nullptr;
}

std::optional<std::string_view> Value::string(std::string_view name) const noexcept {
  const Value* found = find(name);
  if (found == nullptr || !found->is(Kind::kString)) return std::nullopt;
  return std::string_view(found->text);
}

const Value& Value::object(std::string_view name) const noexcept {
  static const Value kEmpty{Kind::kObject, {}, {}};
  const Value* found = find(name);
  return found != nullptr && found->is(Kind::kObject) ? *found : kEmpty;
}

bool Value::boolean(std::string_view name) const noexcept {
  const Value* found = find(name);
  return found != nullptr && found->is(Kind::kBoolean) && found->text == "true";
}

std::string Value::to_json() const {
  std::string out;
  append(out, *this);
  return out;
}

Result<Value> parse(std::string_view text, std::size_t max_depth) {
  simdjson::dom::parser parser;
  if (parser.allocate(text.size(), max_depth) != simdjson::SUCCESS) {
    return Error{ErrorCode::kOutOfMemory, "no memory to read JSON", "", ""};
  }
  element root;
  // Copies the text, since simdjson reads beyond its end.
  const auto error = parser.parse(text.data(), text.size(), true).get(root);
  if (error != simdjson::SUCCESS) return malformed(simdjson::error_message(error));
  Value value;
  if (!copy(root, value, 0)) return malformed("An object names a member twice.");
  return value;
}

std::optional<std::string> raw_object(std::string_view text,
                                      std::initializer_list<std::string_view> path) {
  const simdjson::padded_string padded(text);
  simdjson::ondemand::parser parser;
  simdjson::ondemand::document document;
  if (parser.iterate(padded).get(document) != simdjson::SUCCESS) return std::nullopt;
  simdjson::ondemand::object here;
  if (document.get_object().get(here) != simdjson::SUCCESS) return std::nullopt;
  for (const std::string_view name : path) {
    if (!enter(here, name)) return std::nullopt;
  }
  std::string_view raw;
  if (here.raw_json().get(raw) != simdjson::SUCCESS) return std::nullopt;
  return std::string(raw.substr(0, raw.find_last_of('}') + 1));  // blanks may follow
}

std::string object(std::initializer_list<std::pair<std::string_view, std::string_view>> members) {
  std::string out = "{";
  for (const auto& [name, json] : members) {
    if (json.empty()) continue;
    if (out.size() > 1) out.push_back(',');
    append_quoted(out, name);
    out.push_back(':');
    out += json;
  }
  out.push_back('}');
  return out;
}

std::string strings(const std::vector<std::string>& items) {
  std::string out = "[";
  for (const std::string& item : items) {
    if (out.size() > 1) out.push_back(',');
    append_quoted(out, item);
  }
  out.push_back(']');
  return out;
}

}  // namespace lakehouse::worker::json
