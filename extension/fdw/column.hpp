// SPDX-License-Identifier: PostgreSQL
// The columns of a foreign table as the deparser and the scan need them. Plain regime.
#pragma once

#include "core/dialect/types.hpp"
#include "extension/postgres/prelude.hpp"

namespace lakehouse::fdw {

struct Column {
  const char* name;         // local
  const char* remote_name;  // option column_name, or the local name
  const char* remote_type;  // option column_type, or ""
  Oid type;
  std::int32_t typmod;
  const dialect::LocalType* local;   // nullptr: read as text through the type's input function
  dialect::DecimalModifier decimal;  // of a numeric with a typmod
  bool is_dropped;
};

struct Columns {
  Column* items;  // by attribute number - 1
  int count;

  const Column& at(int attribute) const { return items[attribute - 1]; }
};

Columns read_columns(Relation relation);

// How the worker builds the column's cells.
wire::CellType cell_type_of(const Column& column);

// Cells arrive as text and go through the type's input function: no counterpart, a length limit, or
// another encoding.
bool needs_input_function(const Column& column);

}  // namespace lakehouse::fdw
