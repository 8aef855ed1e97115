// SPDX-License-Identifier: PostgreSQL
// {"op": …, "children": [{"op": "column", "name", "valueType"}, {"op": "literal", "value",
// "valueType"}]}. Source: Delta Sharing protocol, "JSON predicates for Filtering".
#include <array>
#include <utility>

#include "worker/sharing/predicate.hpp"

namespace lakehouse::worker::sharing {
namespace {

using Kind = Predicate::Kind;

constexpr std::size_t kMostDepth = 60;

// What a comparison is called here and there.
constexpr std::array<std::pair<std::string_view, Kind>, 12> kComparisons{{
    {"equal", Kind::kEqual},
    {"equals", Kind::kEqual},
    {"=", Kind::kEqual},
    {"==", Kind::kEqual},
    {"lessThan", Kind::kLess},
    {"<", Kind::kLess},
    {"lessThanOrEqual", Kind::kLessOrEqual},
    {"<=", Kind::kLessOrEqual},
    {"greaterThan", Kind::kGreater},
    {">", Kind::kGreater},
    {"greaterThanOrEqual", Kind::kGreaterOrEqual},
    {">=", Kind::kGreaterOrEqual},
}};

Kind comparison(std::string_view op) {
  for (const auto& [name, kind] : kComparisons) {
    if (name == op) return kind;
  }
  return Kind::kUnknown;
}

// literal < column is column > literal.
Kind turned(Kind kind) {
  switch (kind) {
    case Kind::kLess:
      return Kind::kGreater;
    case Kind::kLessOrEqual:
      return Kind::kGreaterOrEqual;
    case Kind::kGreater:
      return Kind::kLess;
    case Kind::kGreaterOrEqual:
      return Kind::kLessOrEqual;
    default:
      return kind;
  }
}

bool is_op(const json::Value& node, std::string_view op) { return node.string("op") == op; }

std::optional<std::string> literal_of(const json::Value& node) {
  const json::Value* value = node.find("value");
  if (value == nullptr || value->is(json::Value::Kind::kNull)) return std::nullopt;
  return value->text;
}

Predicate compare_nodes(Kind kind, const json::Value& left, const json::Value& right) {
  if (is_op(right, "column") && is_op(left, "literal")) {
    return compare_nodes(turned(kind), right, left);
  }
  const auto name = left.string("name");
  const auto literal = literal_of(right);
  if (!is_op(left, "column") || !is_op(right, "literal") || !name || !literal) return {};
  return {kind, {}, std::string(*name), *literal};
}

Predicate read(const json::Value& node);

Predicate read_all(Kind kind, const json::Value& children) {
  Predicate predicate{kind, {}, {}, {}};
  for (const json::Member& child : children.members) {
    predicate.children.push_back(read(child.value));
  }
  return predicate;
}

Predicate read(const json::Value& node) {
  const auto op = node.string("op");
  const json::Value* children = node.find("children");
  if (!op || children == nullptr || !children->is(json::Value::Kind::kArray)) return {};
  const std::size_t count = children->members.size();
  if (*op == "and" && count > 0) return read_all(Kind::kAnd, *children);
  if (*op == "or" && count > 0) return read_all(Kind::kOr, *children);
  if (*op == "not" && count == 1) return read_all(Kind::kNot, *children);
  if (*op == "isNull" && count == 1) {
    const json::Value& column = children->members[0].value;
    const auto name = column.string("name");
    if (!is_op(column, "column") || !name) return {};
    return {Kind::kIsNull, {}, std::string(*name), {}};
  }
  const Kind kind = comparison(*op);
  if (kind == Kind::kUnknown || count != 2) return {};
  return compare_nodes(kind, children->members[0].value, children->members[1].value);
}

}  // namespace

std::optional<Predicate> parse_json_predicate(std::string_view text) {
  const auto parsed = json::parse(text, kMostDepth);
  if (!parsed || !parsed->is(json::Value::Kind::kObject)) return std::nullopt;
  return read(*parsed);
}

}  // namespace lakehouse::worker::sharing
