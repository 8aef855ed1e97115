// SPDX-License-Identifier: PostgreSQL
// Each node of a predicate has a set of outcomes that rows of the file may have: true, false, null.
// The set may be too large, never too small; a file is left out when true is not in it.
#include <array>

#include "worker/sharing/literal.hpp"
#include "worker/sharing/parameters.hpp"
#include "worker/sharing/predicate.hpp"

namespace lakehouse::worker::sharing {
namespace {

using Outcomes = unsigned;
constexpr Outcomes kTrue = 1, kFalse = 2, kNull = 4, kAny = kTrue | kFalse | kNull;
constexpr std::array<Outcomes, 3> kEach = {kTrue, kFalse, kNull};

Outcomes both(Outcomes left, Outcomes right) {
  if (left == kFalse || right == kFalse) return kFalse;
  return left == kTrue && right == kTrue ? kTrue : kNull;
}

Outcomes negated(Outcomes set) {
  return (set & kNull) | ((set & kTrue) != 0 ? kFalse : 0U) | ((set & kFalse) != 0 ? kTrue : 0U);
}

// Of two sets, what AND makes of each pair.
Outcomes conjunction(Outcomes left, Outcomes right) {
  Outcomes set = 0;
  for (const Outcomes a : kEach) {
    for (const Outcomes b : kEach) {
      if ((left & a) != 0 && (right & b) != 0) set |= both(a, b);
    }
  }
  return set;
}

// What the statistics say of one column.
struct Bounds {
  const json::Value* least = nullptr;
  const json::Value* greatest = nullptr;
  bool has_nulls = true, has_values = true;  // may have
};

class File {
 public:
  File(const ColumnTypes& types, const json::Value& statistics)
      : types_(types), statistics_(statistics) {}

  Outcomes outcomes(const Predicate& predicate) const {
    switch (predicate.kind) {
      case Predicate::Kind::kAnd:
        return all_of(predicate.children);
      case Predicate::Kind::kOr:
        return any_of(predicate.children);
      case Predicate::Kind::kNot:
        return negated(all_of(predicate.children));
      case Predicate::Kind::kUnknown:
        return kAny;
      default:
        return of_column(predicate);
    }
  }

 private:
  Outcomes all_of(const std::vector<Predicate>& children) const {
    Outcomes set = kTrue;
    for (const Predicate& child : children) set = conjunction(set, outcomes(child));
    return set;
  }

  Outcomes any_of(const std::vector<Predicate>& children) const {
    Outcomes set = kTrue;  // of the contrary
    for (const Predicate& child : children) set = conjunction(set, negated(outcomes(child)));
    return negated(set);
  }

  Outcomes of_column(const Predicate& predicate) const {
    const ColumnTypes::Column* column = types_.find(predicate.column);
    if (column == nullptr) return kAny;
    const Bounds bounds = bounds_of(column->name);
    if (predicate.kind == Predicate::Kind::kIsNull) {
      return (bounds.has_nulls ? kTrue : 0U) | (bounds.has_values ? kFalse : 0U);
    }
    Outcomes set = bounds.has_nulls ? kNull : 0U;
    if (bounds.has_values) set |= compared(predicate, column->type, bounds);
    return set;
  }

  // How rows with a value may turn out.
  static Outcomes compared(const Predicate& predicate, std::string_view type,
                           const Bounds& bounds) {
    const auto to_least = order(type, predicate.literal, bounds.least);
    const auto to_greatest = order(type, predicate.literal, bounds.greatest);
    switch (predicate.kind) {
      case Predicate::Kind::kEqual: {
        if (to_least < 0 || to_greatest > 0) return kFalse;
        return to_least == 0 && to_greatest == 0 ? kTrue : kTrue | kFalse;
      }
      case Predicate::Kind::kLess:  // value < literal
        return (to_least <= 0 ? 0U : kTrue) | (to_greatest > 0 ? 0U : kFalse);
      case Predicate::Kind::kLessOrEqual:
        return (to_least < 0 ? 0U : kTrue) | (to_greatest >= 0 ? 0U : kFalse);
      case Predicate::Kind::kGreater:
        return (to_greatest >= 0 ? 0U : kTrue) | (to_least < 0 ? 0U : kFalse);
      case Predicate::Kind::kGreaterOrEqual:
        return (to_greatest > 0 ? 0U : kTrue) | (to_least <= 0 ? 0U : kFalse);
      default:
        return kTrue | kFalse;
    }
  }

  static std::partial_ordering order(std::string_view type, std::string_view literal,
                                     const json::Value* bound) {
    if (bound == nullptr) return std::partial_ordering::unordered;
    return compare(type, literal, bound->text);
  }

  Bounds bounds_of(std::string_view name) const {
    Bounds bounds;
    bounds.least = statistics_.object("minValues").find(name);
    bounds.greatest = statistics_.object("maxValues").find(name);
    const json::Value* rows = statistics_.find("numRecords");
    const json::Value* nulls = statistics_.object("nullCount").find(name);
    if (nulls == nullptr || !nulls->is(json::Value::Kind::kInteger)) return bounds;
    bounds.has_nulls = nulls->text != "0";
    bounds.has_values = rows == nullptr || rows->text != nulls->text;
    return bounds;
  }

  const ColumnTypes& types_;
  const json::Value& statistics_;
};

}  // namespace

ColumnTypes ColumnTypes::parse(std::string_view schema_string) {
  ColumnTypes types;
  const auto schema = json::parse(schema_string);
  const json::Value* fields = schema ? schema->find("fields") : nullptr;
  if (fields == nullptr) return types;
  for (const json::Member& field : fields->members) {
    const auto name = field.value.string("name"), type = field.value.string("type");
    if (name && type) types.columns_.push_back({std::string(*name), std::string(*type)});
  }
  return types;
}

const ColumnTypes::Column* ColumnTypes::find(std::string_view name) const {
  for (const Column& column : columns_) {
    if (is_same_name(column.name, name)) return &column;
  }
  return nullptr;
}

bool may_match(const Predicate& predicate, const ColumnTypes& types,
               const json::Value& statistics) {
  return (File(types, statistics).outcomes(predicate) & kTrue) != 0;
}

}  // namespace lakehouse::worker::sharing
