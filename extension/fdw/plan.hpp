// SPDX-License-Identifier: PostgreSQL
// Planner callbacks, and the layout of what a plan carries to the executor. Plain regime.
#pragma once

#include "extension/fdw/deparse.hpp"
#include "extension/postgres/prelude.hpp"

namespace lakehouse::fdw {

// ForeignScan::fdw_private, a list of nodes; the parameters themselves are ForeignScan::fdw_exprs.
enum class PlanItem : int { kSegments, kKinds, kRetrieved, kPushedDown, kNotPushed };

inline List* plan_item(const ForeignScan* scan, PlanItem item) {
  return static_cast<List*>(list_nth(scan->fdw_private, static_cast<int>(item)));
}

void estimate_size(PlannerInfo* root, RelOptInfo* relation, Oid foreign_table);
void add_paths(PlannerInfo* root, RelOptInfo* relation, Oid foreign_table);
void add_limit_path(PlannerInfo* root, UpperRelationKind stage, RelOptInfo* input,
                    RelOptInfo* output, void* extra);
ForeignScan* make_plan(PlannerInfo* root, RelOptInfo* relation, Oid foreign_table,
                       ForeignPath* path, List* target, List* clauses, Plan* outer_plan);

}  // namespace lakehouse::fdw
