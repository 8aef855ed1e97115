// SPDX-License-Identifier: PostgreSQL
// What a statement names, as it was parsed and before anything is looked up for good. Plain regime.
#pragma once

#include "extension/postgres/prelude.hpp"

namespace lakehouse::guard {

struct NamedTables {
  List* hiding;         // RangeVar: tables with columns that the role is not shown
  StringInfoData hint;  // what columns the tables have
};

// Of a SELECT: refuses what no agent may write, and tables, functions, operators, types and
// collations that are not there for an agent, in the order in which they are met: without a look at
// any column, so that the answer is the same whatever is hidden.
NamedTables check_names(RawStmt* statement);

// Puts a sub-select of the shown columns in the place of each table that hides others.
void hide_columns(RawStmt* statement, const NamedTables& tables);

// What the statement calls the thing at that place of its text, an error's cursor position.
struct Named {
  NodeTag kind;  // T_ColumnRef, T_FuncCall, T_A_Expr or T_Invalid
  char* name;    // nullptr: nothing was found
};
Named name_at(RawStmt* statement, const char* text, int cursor);

}  // namespace lakehouse::guard
