// SPDX-License-Identifier: PostgreSQL
// What planning learns about one foreign table, kept in RelOptInfo::fdw_private. Plain regime.
#pragma once

#include "extension/fdw/column.hpp"
#include "extension/fdw/option.hpp"
#include "extension/postgres/prelude.hpp"

namespace lakehouse::fdw {

struct RelationPlan {
  TableOptions options;
  Columns columns;
  List* filter_clauses;   // of RestrictInfo: the row filter, as far as it is evaluated remotely
  List* remote_clauses;   // of RestrictInfo: the user's own
  List* local_clauses;    // of RestrictInfo
  List* local_reasons;    // of String, one for each local clause
  bool is_analysed;       // else all sizes are guesses
  double retrieved_rows;  // after the remote clauses
};

inline RelationPlan* plan_of(const RelOptInfo* relation) {
  return static_cast<RelationPlan*>(relation->fdw_private);
}

}  // namespace lakehouse::fdw
