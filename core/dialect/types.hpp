// SPDX-License-Identifier: PostgreSQL
// Types on both sides of a scan: which PostgreSQL type a remote column is imported as, how a column
// is written in a select list so that its text form is exact and independent of the remote session,
// and which cell it becomes.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/wire/batch.hpp"

namespace lakehouse::dialect {

// A Databricks type, by the first word of its name.
struct RemoteType {
  std::string_view name;
  std::string_view
      postgres;  // what IMPORT FOREIGN SCHEMA declares; decimal takes the remote's (p,s)
  std::string_view
      counterpart;  // the type as parameters and casts name it; empty: values don't compare alike
};

// Never fails: an unknown type is imported as text and projected as a string.
const RemoteType& remote_type_of(std::string_view type_text);

// "decimal(12,2)" → "numeric(12,2)"; else RemoteType::postgres.
std::string postgres_type_of(std::string_view type_text);

// A PostgreSQL base type that has a counterpart.
struct LocalType {
  std::uint32_t oid;
  std::string_view name;
  wire::CellType cell;
  std::string_view databricks;  // the type a parameter or cast names; empty: neither is possible
};

const LocalType* find_local_type(std::uint32_t oid);

// Of a numeric; precision 0: none.
struct DecimalModifier {
  int precision = 0;
  int scale = 0;
  bool operator==(const DecimalModifier&) const = default;
};
DecimalModifier decimal_modifier_of(std::string_view type_text);

// How a column reads in the select list.
struct Projection {
  std::string_view outer;  // $1 is the column, or the cast around it
  std::string_view
      cast_to;  // not empty: CAST(column AS cast_to) inside; a DECIMAL takes the column's modifier
};

// `remote_type` is the column's option, or empty: then the local type's counterpart is assumed.
// `local` is nullptr for a PostgreSQL type that has no counterpart and is read as text.
Projection projection_of(const LocalType* local, DecimalModifier modifier,
                         std::string_view remote_type);

// The column can be compared remotely as it stands: its remote type is its local type's
// counterpart.
bool is_counterpart(const LocalType& local, DecimalModifier modifier, std::string_view remote_type);

}  // namespace lakehouse::dialect
