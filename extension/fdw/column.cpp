// SPDX-License-Identifier: PostgreSQL
// Reads pg_attribute and its options once per plan or scan.
#include "extension/fdw/column.hpp"

#include <cstring>

namespace lakehouse::fdw {
namespace {

void read_column_options(Oid relation, AttrNumber attribute, Column& column) {
  ListCell* cell;
  foreach (cell, GetForeignColumnOptions(relation, attribute)) {
    auto* option = static_cast<DefElem*>(lfirst(cell));
    if (std::strcmp(option->defname, "column_name") == 0) column.remote_name = defGetString(option);
    if (std::strcmp(option->defname, "column_type") == 0) column.remote_type = defGetString(option);
  }
}

dialect::DecimalModifier decimal_of(Oid type, std::int32_t typmod) {
  if (type != NUMERICOID || typmod < static_cast<std::int32_t>(VARHDRSZ)) return {};
  const std::int32_t packed = typmod - static_cast<std::int32_t>(VARHDRSZ);
  // Scale is an 11-bit signed number from version 15 on (numeric.c, numeric_typmod_scale).
  const int scale = ((packed & 0x7ff) ^ 1024) - 1024;
  return {(packed >> 16) & 0xffff, scale};
}

}  // namespace

Columns read_columns(Relation relation) {
  const TupleDesc description = RelationGetDescr(relation);
  Columns columns{static_cast<Column*>(palloc0(sizeof(Column) * (description->natts + 1))),
                  description->natts};
  for (int i = 0; i < description->natts; ++i) {
    const FormData_pg_attribute* attribute = TupleDescAttr(description, i);
    Column& column = columns.items[i];
    column.is_dropped = attribute->attisdropped;
    if (column.is_dropped) continue;
    column.name = pstrdup(NameStr(attribute->attname));
    column.remote_name = column.name;
    column.remote_type = "";
    column.type = attribute->atttypid;
    column.typmod = attribute->atttypmod;
    column.local = dialect::find_local_type(attribute->atttypid);
    column.decimal = decimal_of(attribute->atttypid, attribute->atttypmod);
    read_column_options(RelationGetRelid(relation), attribute->attnum, column);
  }
  return columns;
}

bool needs_input_function(const Column& column) {
  if (column.local == nullptr || column.type == JSONOID || column.type == JSONBOID) return true;
  if (column.type == VARCHAROID && column.typmod >= 0) return true;
  return column.local->cell == wire::CellType::kText && GetDatabaseEncoding() != PG_UTF8;
}

wire::CellType cell_type_of(const Column& column) {
  return needs_input_function(column) ? wire::CellType::kText : column.local->cell;
}

}  // namespace lakehouse::fdw
