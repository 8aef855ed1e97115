// SPDX-License-Identifier: PostgreSQL
// Runs after rules and views are expanded, so it sees every table by its own OID. Set-returning SQL
// functions are kept from being inlined later, which would hide their tables: they plan on their
// own.
#include "extension/guard/planner.hpp"

#include "extension/guard/check.hpp"
#include "extension/guard/counters.hpp"
#include "extension/guard/identity.hpp"
#include "extension/guard/limits.hpp"
#include "extension/guard/policy.hpp"
#include "extension/guard/refusal.hpp"
#include "extension/guard/size.hpp"
#include "extension/guard/stamp.hpp"
#include "extension/guard/tool.hpp"
#include "extension/postgres/compat.hpp"
#include "extension/settings.hpp"

namespace lakehouse::guard {
namespace {

// Process-wide by nature, as hooks are.
planner_hook_type previous_planner;
needs_fmgr_hook_type previous_needs_fmgr;

struct Search {
  Strength strength;
  List* governed;  // OIDs
};

void govern_query(Query* query, Search& search);

bool visit(Node* node, void* argument) {
  if (node == nullptr) return false;
  if (IsA(node, Query)) {
    govern_query(reinterpret_cast<Query*>(node), *static_cast<Search*>(argument));
    return false;
  }
  return postgres::walk_expression(node, visit, argument);
}

// First in line, so that nothing of the user's runs before it.
void add_row_filter(RangeTblEntry* entry, const Policy* policy, int index) {
  if (policy->filter == NIL) return;
  auto* condition = static_cast<Node*>(
      copyObjectImpl(reinterpret_cast<Node*>(make_ands_explicit(policy->filter))));
  ChangeVarNodes(condition, 1, index, 0);
  entry->securityQuals = lcons(condition, entry->securityQuals);
}

void govern_foreign_table(Query* query, RangeTblEntry* entry, int index, Search& search) {
  const Policy* policy = find_policy(entry->relid);
  if (policy->kind != RelationKind::kGoverned) return;
  search.governed = list_append_unique_oid(search.governed, entry->relid);
  if (search.strength == Strength::kNone) return;
  check_access(policy, get_rel_name(entry->relid), postgres::selected_columns(query, entry),
               postgres::required_permissions(query, entry), search.strength == Strength::kAgent);
  if (policy->is_exposed) add_row_filter(entry, policy, index);
}

// Through its parent a table would be read by the parent's rules.
void refuse_governed_children(const RangeTblEntry* entry, Search& search) {
  if (!entry->inh || !has_subclass(entry->relid)) return;
  ListCell* cell;
  foreach (cell, find_all_inheritors(entry->relid, AccessShareLock, nullptr)) {
    const Oid child = lfirst_oid(cell);
    if (child == entry->relid || get_rel_relkind(child) != RELKIND_FOREIGN_TABLE ||
        find_policy(child)->kind != RelationKind::kGoverned)
      continue;
    search.governed = list_append_unique_oid(search.governed, child);
    if (search.strength != Strength::kNone) refuse_table(get_rel_name(entry->relid));
  }
}

// Where hasSubLinks is false the planner leaves a sub-select in an expression as it is, and the
// executor refuses it. So this may go by it too.
void govern_query(Query* query, Search& search) {
  check_stack_depth();
  bool has_queries = query->hasSubLinks || query->cteList != NIL;
  int index = 0;
  ListCell* cell;
  foreach (cell, query->rtable) {
    auto* entry = static_cast<RangeTblEntry*>(lfirst(cell));
    ++index;
    has_queries |= entry->subquery != nullptr;
    if (entry->rtekind != RTE_RELATION) continue;
    if (entry->relkind == RELKIND_FOREIGN_TABLE) govern_foreign_table(query, entry, index, search);
    refuse_governed_children(entry, search);
  }
  if (has_queries) (void)postgres::walk_query(query, visit, &search);
}

// An agent gets one row more than its cap at most: by it the cut is known.
void clamp_limit(Query* query) {
  const std::int64_t limit = settings::max_rows + 1;
  const auto* count = reinterpret_cast<Const*>(query->limitCount);
  const bool is_open = query->limitCount == nullptr || (IsA(count, Const) && count->constisnull);
  const bool is_above = !is_open && IsA(count, Const) && DatumGetInt64(count->constvalue) > limit;
  if (!is_open && !is_above) return;
  query->limitCount = reinterpret_cast<Node*>(makeConst(
      INT8OID, -1, InvalidOid, sizeof(std::int64_t), Int64GetDatum(limit), false, FLOAT8PASSBYVAL));
  if (is_open) query->limitOption = LIMIT_OPTION_COUNT;
}

PlannedStmt* plan_next(Query* query, const char* text, int options, ParamListInfo parameters) {
  return previous_planner != nullptr ? previous_planner(query, text, options, parameters)
                                     : standard_planner(query, text, options, parameters);
}

struct Planning {
  Query* query;
  const char* text;
  int options;
  ParamListInfo parameters;
  PlannedStmt* plan;
};

// The function may be inlined and partly evaluated here.
PlannedStmt* plan_tool(Planning planning) {
  run_as_tool(
      [](void* argument) {
        auto* given = static_cast<Planning*>(argument);
        given->plan = plan_next(given->query, given->text, given->options, given->parameters);
      },
      &planning);
  return planning.plan;
}

PlannedStmt* plan_guarded(Query* query, const char* text, int options, ParamListInfo parameters) {
  Search search{current_strength(), NIL};
  const bool is_agent = search.strength == Strength::kAgent;
  const Oid called = tool_call_in(query);
  const Oid tool = is_agent ? called : InvalidOid;
  const bool is_tool = OidIsValid(tool);
  if (is_tool) check_tool(tool);
  if (is_agent && rehearsal_depth == 0) apply_agent_limits();
  allow_execution_memory();
  if (is_agent && !is_tool) {
    check_agent_query(query);
    limit_sizes(query);
  }
  if (is_agent) options &= ~CURSOR_OPT_PARALLEL_OK;
  if (trusted_depth == 0) govern_query(query, search);
  if (is_agent && !is_tool) clamp_limit(query);
  PlannedStmt* plan = is_tool ? plan_tool({query, text, options, parameters, nullptr})
                              : plan_next(query, text, options, parameters);
  if (is_agent) plan->jitFlags = 0;  // compiled code needs more memory than an agent has
  // Seen in the plan, not in the query: for superusers functions are inlined.
  if (is_agent || OidIsValid(called) || governed_relations(plan) != NIL) plan->dependsOnRole = true;
  if (is_agent || (search.strength == Strength::kGoverned && search.governed != NIL))
    stamp_plan(plan, search.strength, search.governed, tool);
  return plan;
}

bool is_sql_set_function(Oid function) {
  HeapTuple tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
  if (!HeapTupleIsValid(tuple)) return false;
  const auto* row = reinterpret_cast<Form_pg_proc>(GETSTRUCT(tuple));
  const bool is_it = row->proretset && row->prolang == SQLlanguageId;
  ReleaseSysCache(tuple);
  return is_it;
}

bool must_not_inline(Oid function) {
  if (previous_needs_fmgr != nullptr && previous_needs_fmgr(function)) return true;
  return function >= FirstNormalObjectId && is_sql_set_function(function) &&
         current_strength() != Strength::kNone;
}

}  // namespace

void install_planner_hook() {
  previous_planner = planner_hook;
  planner_hook = plan_guarded;
  previous_needs_fmgr = needs_fmgr_hook;
  needs_fmgr_hook = must_not_inline;
}

}  // namespace lakehouse::guard
