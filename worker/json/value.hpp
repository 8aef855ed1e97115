// SPDX-License-Identifier: PostgreSQL
// Value: a JSON text (RFC 8259) as a tree, for what we have to look into: envelopes of protocols,
// never rows.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/result.hpp"

namespace lakehouse::worker::json {

struct Member;

struct Value {
  enum class Kind : std::uint8_t { kNull, kBoolean, kInteger, kNumber, kString, kArray, kObject };

  Kind kind = Kind::kNull;
  std::string text;             // of a string; of a number or boolean as JSON writes it
  std::vector<Member> members;  // of an array (names are empty) or object, in their order

  bool is(Kind wanted) const noexcept { return kind == wanted; }
  // Of an object; nothing if there is none of that name, or this is no object.
  const Value* find(std::string_view name) const noexcept;
  // A member that is a string.
  std::optional<std::string_view> string(std::string_view name) const noexcept;
  // A member that is an object, else an empty one.
  const Value& object(std::string_view name) const noexcept;
  bool boolean(std::string_view name) const noexcept;  // false unless it is there and true

  std::string to_json() const;
};

struct Member {
  std::string name;
  Value value;
};

// Errors: kInvalidArgument (no JSON, not UTF-8, nested deeper than `max_depth`, or an object of the
// first three levels that names a member twice: readers would differ in which one counts. Of a
// JSON-RPC message that is down to its arguments).
Result<Value> parse(std::string_view text, std::size_t max_depth = 64);

// The part of `text`, which parse() took, that is the object at the path, byte for byte: numbers
// keep all their digits. Nothing if there is no object.
std::optional<std::string> raw_object(std::string_view text,
                                      std::initializer_list<std::string_view> path);

// {"name":json,…} of members that are JSON already; those that are empty are left out.
std::string object(std::initializer_list<std::pair<std::string_view, std::string_view>> members);
// ["…","…"]
std::string strings(const std::vector<std::string>& items);

}  // namespace lakehouse::worker::json
