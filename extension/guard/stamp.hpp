// SPDX-License-Identifier: PostgreSQL
// A plan carries for whom it was made and by which policies. Checked whenever it is about to run,
// whatever cache it comes from. Plain regime.
#pragma once

#include "extension/guard/identity.hpp"
#include "extension/postgres/prelude.hpp"

namespace lakehouse::guard {

// Marks `plan` as made for the current role; `relations`: OIDs of the governed tables it may read;
// `tool`: the function that it calls as a tool, or InvalidOid.
void stamp_plan(PlannedStmt* plan, Strength strength, const List* relations, Oid tool);

// Refuses a plan that was made for another role or strength, by an older policy, or that reads a
// governed table which the planner hook did not see. Throws away this session's plans then, so that
// the next try succeeds where the policy lets it. Returns the governed tables that the plan reads.
List* check_stamp(const PlannedStmt* plan, Strength strength);

// The tool that an agent's plan calls; InvalidOid: it calls none.
Oid tool_of(const PlannedStmt* plan);

// The governed tables that a plan reads, as OIDs.
List* governed_relations(const PlannedStmt* plan);

}  // namespace lakehouse::guard
