// SPDX-License-Identifier: PostgreSQL
// Predicate: what a client hints that it will keep, as a tree; and which files can have no such
// row, by their statistics. A hint that can't be understood keeps every file: clients filter
// themselves.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "worker/json/value.hpp"

namespace lakehouse::worker::sharing {

struct Predicate {
  enum class Kind : std::uint8_t {
    kUnknown,  // may be anything
    kAnd,
    kOr,
    kNot,
    kIsNull,
    kEqual,
    kLess,
    kLessOrEqual,
    kGreater,
    kGreaterOrEqual,
  };
  Kind kind = Kind::kUnknown;
  std::vector<Predicate> children;  // of kAnd, kOr, kNot
  std::string column;               // of the others
  std::string literal;              // as text; what it means, the column's type says
};

// The protocol's jsonPredicateHints; nothing if it is no such thing.
std::optional<Predicate> parse_json_predicate(std::string_view json);

// One of predicateHints: comparisons of a column with a literal, IS NULL, IN, BETWEEN, joined by
// AND, OR, NOT and parentheses. Nothing if it is anything else.
std::optional<Predicate> parse_sql_predicate(std::string_view sql);

// The types of a table's columns, by their names.
class ColumnTypes {
 public:
  // A metaData's schemaString. Columns that are no plain values are left out.
  static ColumnTypes parse(std::string_view schema_string);

  struct Column {
    std::string name;  // as statistics have it
    std::string type;
  };
  // Whatever the case of ASCII letters.
  const Column* find(std::string_view name) const;

 private:
  std::vector<Column> columns_;
};

// False only if no row of the file with these statistics can make the predicate true.
bool may_match(const Predicate& predicate, const ColumnTypes& types, const json::Value& statistics);

}  // namespace lakehouse::worker::sharing
