// SPDX-License-Identifier: PostgreSQL
// Schema: the columns of a published table, as a Delta table of reader version 1 can have them:
// no nested records, no column mapping, so a name is also the name in the data files.
// Source: Delta protocol, "Schema Serialization Format".
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/base/result.hpp"

namespace lakehouse::delta {

enum class TypeKind : std::uint8_t {
  kBoolean,
  kShort,    // 16 bits
  kInteger,  // 32 bits
  kLong,     // 64 bits
  kFloat,
  kDouble,
  kDecimal,
  kString,
  kBinary,
  kDate,
  kTimestamp,  // microseconds, UTC
};

struct Type {
  TypeKind kind = TypeKind::kString;
  std::uint8_t precision = 0;  // of a decimal: 1 to 38
  std::uint8_t scale = 0;      // of a decimal: at most its precision
  bool is_array = false;       // an array of such values, any of which may be null

  bool operator==(const Type&) const = default;
};

struct Column {
  std::string name;
  Type type;
  bool is_nullable = true;
  std::int32_t id = 0;          // the field id in data files; 1 or more, never given again
  std::int32_t element_id = 0;  // the same of an array's elements
  std::string comment;
  std::int32_t origin = 0;  // tells columns apart that had one name one after the other
};

struct Schema {
  std::vector<Column> columns;
};

// Errors: kInvalidArgument (no column, a name empty, taken twice whatever its case, not UTF-8 or
// with a character that data files without column mapping can't have; an id used twice; a decimal
// out of range).
Status check(const Schema& schema);

// The value of metaData.schemaString.
std::string schema_json(const Schema& schema);

}  // namespace lakehouse::delta
