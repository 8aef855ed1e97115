// SPDX-License-Identifier: PostgreSQL
// Sizes, paths and the plan of a scan. What is shippable is decided once, in estimate_size.
#include "extension/fdw/plan.hpp"

#include <algorithm>

#include "extension/settings.hpp"
#include "extension/postgres/compat.hpp"

namespace lakehouse::fdw {
namespace {

// A warehouse table nobody has analysed: large enough that the local side is hashed and the remote
// side streamed.
constexpr double kUnknownRows = 1'000'000;
// Without statistics each condition's selectivity is a guess, and the product of some guesses is
// one row: then the table would drive a nested loop with a remote statement for each row that
// really comes. So all conditions together are believed as much as one equality.
constexpr double kFewestUnknownRows = kUnknownRows / DEFAULT_NUM_DISTINCT;
// Sorting in the warehouse is not free, but cheaper than here.
constexpr double kRemoteSortFactor = 1.02;

// Against the same scan below a local Limit node, which would have to throw away what the warehouse
// sends ahead.
constexpr double kRemoteLimitFactor = 0.9;

// ForeignPath::fdw_private of a path that carries the query's LIMIT.
constexpr int kHasLimit = 1;

Shipper shipper_for(PlannerInfo* root, RelOptInfo* relation, Relids outer) {
  return {root, relation, plan_of(relation), outer};
}

// Row filters come from the range table's security conditions, which the planner gives the first
// levels.
bool is_row_filter(PlannerInfo* root, const RelOptInfo* relation, const RestrictInfo* clause) {
  const RangeTblEntry* entry = planner_rt_fetch(relation->relid, root);
  return static_cast<int>(clause->security_level) < list_length(entry->securityQuals);
}

// A row filter is evaluated remotely whatever the settings say: hidden rows stay where they are.
const char* reason_for(const Shipper& shipper, const RestrictInfo* clause) {
  if (!settings::enable_pushdown && !is_row_filter(shipper.root, shipper.relation, clause))
    return "lakehouse.enable_pushdown is off";
  if (clause->pseudoconstant) return "it is evaluated once, here";
  return reason_to_keep_local(shipper, reinterpret_cast<Node*>(clause->clause));
}

void classify_clauses(PlannerInfo* root, RelOptInfo* relation) {
  RelationPlan* plan = plan_of(relation);
  const Shipper shipper = shipper_for(root, relation, nullptr);
  ListCell* cell;
  foreach (cell, relation->baserestrictinfo) {
    auto* clause = static_cast<RestrictInfo*>(lfirst(cell));
    if (const char* reason = reason_for(shipper, clause)) {
      plan->local_clauses = lappend(plan->local_clauses, clause);
      plan->local_reasons = lappend(plan->local_reasons, makeString(pstrdup(reason)));
    } else if (is_row_filter(root, relation, clause)) {
      plan->filter_clauses = lappend(plan->filter_clauses, clause);
    } else {
      plan->remote_clauses = lappend(plan->remote_clauses, clause);
    }
  }
}

double rows_after(PlannerInfo* root, RelOptInfo* relation, List* clauses) {
  const Selectivity fraction =
      clauselist_selectivity(root, clauses, static_cast<int>(relation->relid), JOIN_INNER, nullptr);
  const double rows = clamp_row_est(relation->tuples * fraction);
  return plan_of(relation)->is_analysed ? rows : std::max(rows, kFewestUnknownRows);
}

postgres::PathCosts costs_of(const RelOptInfo* relation, double retrieved_rows, double rows) {
  const RelationPlan* plan = plan_of(relation);
  const Cost per_row =
      plan->options.tuple_cost + cpu_tuple_cost + relation->baserestrictcost.per_tuple;
  const Cost startup = plan->options.startup_cost + relation->baserestrictcost.startup;
  return {rows, startup, startup + per_row * retrieved_rows};
}

bool are_remotely_sortable(PlannerInfo* root, RelOptInfo* relation, List* pathkeys) {
  if (!settings::enable_pushdown || pathkeys == NIL) return false;
  const Shipper shipper = shipper_for(root, relation, nullptr);
  ListCell* cell;
  foreach (cell, pathkeys) {
    if (find_remote_sort_expression(shipper, static_cast<PathKey*>(lfirst(cell))) == nullptr)
      return false;
  }
  return true;
}

void add_scan_path(PlannerInfo* root, RelOptInfo* relation, const postgres::PathCosts& costs,
                   List* pathkeys, Relids required_outer) {
  add_path(relation, reinterpret_cast<Path*>(postgres::make_scan_path(root, relation, costs,
                                                                      pathkeys, required_outer)));
}

void add_sorted_path(PlannerInfo* root, RelOptInfo* relation) {
  if (!are_remotely_sortable(root, relation, root->query_pathkeys)) return;
  postgres::PathCosts costs = costs_of(relation, plan_of(relation)->retrieved_rows, relation->rows);
  costs.startup *= kRemoteSortFactor;
  costs.total *= kRemoteSortFactor;
  add_scan_path(root, relation, costs, root->query_pathkeys, relation->lateral_relids);
}

// The relations a join clause would bring values from, or nullptr if the clause can't be shipped.
Relids outer_of(PlannerInfo* root, RelOptInfo* relation, const RestrictInfo* clause) {
  if (!join_clause_is_movable_to(const_cast<RestrictInfo*>(clause), relation)) return nullptr;
  Relids outer = bms_difference(clause->clause_relids, relation->relids);
  if (bms_is_empty(outer) || reason_for(shipper_for(root, relation, outer), clause) != nullptr)
    return nullptr;
  return bms_union(outer, relation->lateral_relids);
}

struct ColumnMember {
  Expr* current;  // the member now tried
  List* already_used;
};

bool is_current_member(PlannerInfo*, RelOptInfo* relation, EquivalenceClass*,
                       EquivalenceMember* member, void* argument) {
  auto* column = static_cast<ColumnMember*>(argument);
  if (column->current != nullptr) return equal(member->em_expr, column->current);
  if (list_member(column->already_used, member->em_expr) ||
      !bms_equal(member->em_relids, relation->relids)) {
    return false;
  }
  column->current = member->em_expr;
  return true;
}

List* clauses_from_equivalences(PlannerInfo* root, RelOptInfo* relation) {
  List* clauses = NIL;
  ColumnMember column{nullptr, NIL};
  while (relation->has_eclass_joins) {
    column.current = nullptr;
    List* implied = generate_implied_equalities_for_column(root, relation, is_current_member,
                                                           &column, relation->lateral_referencers);
    if (column.current == nullptr) break;
    clauses = list_concat(clauses, implied);
    column.already_used = lappend(column.already_used, column.current);
  }
  return clauses;
}

// Scans of the inner side of a nested loop, one remote statement per outer row with the row's
// values as parameters.
void add_parameterised_paths(PlannerInfo* root, RelOptInfo* relation) {
  List* parameter_infos = NIL;
  ListCell* cell;
  foreach (cell, list_concat_copy(relation->joininfo, clauses_from_equivalences(root, relation))) {
    Relids outer = outer_of(root, relation, static_cast<RestrictInfo*>(lfirst(cell)));
    if (outer == nullptr) continue;
    parameter_infos =
        list_append_unique_ptr(parameter_infos, get_baserel_parampathinfo(root, relation, outer));
  }
  foreach (cell, parameter_infos) {
    auto* info = static_cast<ParamPathInfo*>(lfirst(cell));
    add_scan_path(root, relation, costs_of(relation, info->ppi_rows, info->ppi_rows), NIL,
                  info->ppi_req_outer);
  }
}

bool is_limit_shippable(PlannerInfo* root, RelOptInfo* relation) {
  const Query* query = root->parse;
  const Shipper shipper = shipper_for(root, relation, nullptr);
  for (Node* bound : {query->limitCount, query->limitOffset}) {
    if (bound != nullptr && !is_parameter(shipper, bound)) return false;
  }
  return true;
}

// The base relation of a query that is nothing but scan, WHERE, ORDER BY, LIMIT; else nullptr.
RelOptInfo* sole_relation(PlannerInfo* root, RelOptInfo* input) {
  const Query* query = root->parse;
  if (query->commandType != CMD_SELECT || query->rowMarks != NIL || query->hasTargetSRFs)
    return nullptr;
  if (query->groupClause != NIL || query->groupingSets != NIL || query->hasAggs ||
      query->hasWindowFuncs || query->distinctClause != NIL || query->havingQual != nullptr ||
      query->setOperations != nullptr) {
    return nullptr;
  }
  const int relid = bms_membership(root->all_baserels) == BMS_SINGLETON
                        ? bms_singleton_member(root->all_baserels)
                        : 0;
  if (relid == 0 || (input->reloptkind != RELOPT_BASEREL && input->reloptkind != RELOPT_UPPER_REL))
    return nullptr;
  RelOptInfo* relation = find_base_rel(root, relid);
  return relation->fdwroutine == input->fdwroutine && relation->fdw_private != nullptr ? relation
                                                                                       : nullptr;
}

postgres::PathCosts costs_under_limit(const RelOptInfo* relation, const FinalPathExtraData* extra) {
  postgres::PathCosts costs = costs_of(relation, relation->rows, relation->rows);
  adjust_limit_rows_costs(&costs.rows, &costs.startup, &costs.total, extra->offset_est,
                          extra->count_est);
  costs.startup *= kRemoteLimitFactor;
  costs.total *= kRemoteLimitFactor;
  return costs;
}

List* describe_pushed(bool has_row_filter, bool has_clauses, bool has_order, bool has_limit) {
  List* names = NIL;
  if (has_row_filter) names = lappend(names, makeString(pstrdup("row filter")));
  if (has_clauses) names = lappend(names, makeString(pstrdup("filter")));
  if (has_order) names = lappend(names, makeString(pstrdup("order")));
  if (has_limit) names = lappend(names, makeString(pstrdup("limit")));
  return names;
}

bool has_no_text_of_its_own(Node* node, void*) {
  if (node == nullptr) return false;
  if (IsA(node, SubPlan) || IsA(node, AlternativeSubPlan) || IsA(node, PlaceHolderVar) ||
      IsA(node, SubLink))
    return true;
  return postgres::walk_expression(node, has_no_text_of_its_own, nullptr);
}

// "lower(name) = 'x' (function lower(text) is not known to agree remotely)"
char* describe_local(PlannerInfo* root, const RelOptInfo* relation, Node* clause,
                     const char* reason) {
  if (has_no_text_of_its_own(clause, nullptr)) return psprintf("a sub-select (%s)", reason);
  const RangeTblEntry* entry = planner_rt_fetch(relation->relid, root);
  Node* copy = static_cast<Node*>(copyObjectImpl(clause));
  ChangeVarNodes(copy, static_cast<int>(relation->relid), 1, 0);
  List* context = deparse_context_for(entry->eref->aliasname, entry->relid);
  return psprintf("%s (%s)", deparse_expression(copy, context, false, false), reason);
}

List* describe_all_local(PlannerInfo* root, const RelOptInfo* relation) {
  const RelationPlan* plan = plan_of(relation);
  List* lines = NIL;
  for (int i = 0; i < list_length(plan->local_clauses); ++i) {
    const auto* clause = static_cast<RestrictInfo*>(list_nth(plan->local_clauses, i));
    const char* reason = strVal(list_nth(plan->local_reasons, i));
    lines = lappend(
        lines, makeString(is_row_filter(root, relation, clause)
                              ? psprintf("row filter (%s)", reason)
                              : describe_local(root, relation,
                                               reinterpret_cast<Node*>(clause->clause), reason)));
  }
  return lines;
}

struct SplitClauses {
  List* filter;  // expressions
  List* remote;  // expressions
  List* local;
};

// The planner's final list: base clauses, already classified, and those of a parameterised path.
SplitClauses split_clauses(PlannerInfo* root, RelOptInfo* relation, const ForeignPath* path,
                           List* clauses) {
  const RelationPlan* plan = plan_of(relation);
  const ParamPathInfo* info = path->path.param_info;
  const Relids outer =
      info == nullptr ? nullptr : bms_difference(info->ppi_req_outer, relation->relids);
  SplitClauses split{NIL, NIL, NIL};
  ListCell* cell;
  foreach (cell, clauses) {
    auto* clause = static_cast<RestrictInfo*>(lfirst(cell));
    if (clause->pseudoconstant) continue;
    if (list_member_ptr(plan->filter_clauses, clause)) {
      split.filter = lappend(split.filter, clause->clause);
      continue;
    }
    const bool is_remote = list_member_ptr(plan->remote_clauses, clause) ||
                           (!list_member_ptr(plan->local_clauses, clause) &&
                            reason_for(shipper_for(root, relation, outer), clause) == nullptr);
    List** target = is_remote ? &split.remote : &split.local;
    *target = lappend(*target, clause->clause);
  }
  return split;
}

Bitmapset* used_attributes(const RelOptInfo* relation, List* local) {
  Bitmapset* attributes = nullptr;
  pull_varattnos(reinterpret_cast<Node*>(relation->reltarget->exprs), relation->relid, &attributes);
  pull_varattnos(reinterpret_cast<Node*>(local), relation->relid, &attributes);
  return attributes;
}

}  // namespace

void estimate_size(PlannerInfo* root, RelOptInfo* relation, Oid foreign_table) {
  auto* plan = static_cast<RelationPlan*>(palloc0(sizeof(RelationPlan)));
  relation->fdw_private = plan;
  plan->options = read_table_options(foreign_table);
  Relation table = table_open(foreign_table, NoLock);
  plan->columns = read_columns(table);
  table_close(table, NoLock);
  classify_clauses(root, relation);
  plan->is_analysed = relation->tuples >= 0;
  if (!plan->is_analysed) relation->tuples = kUnknownRows;
  set_baserel_size_estimates(root, relation);
  relation->rows = rows_after(root, relation, relation->baserestrictinfo);
  plan->retrieved_rows =
      rows_after(root, relation, list_concat_copy(plan->filter_clauses, plan->remote_clauses));
}

void add_paths(PlannerInfo* root, RelOptInfo* relation, Oid) {
  const postgres::PathCosts costs =
      costs_of(relation, plan_of(relation)->retrieved_rows, relation->rows);
  add_scan_path(root, relation, costs, NIL, relation->lateral_relids);
  add_sorted_path(root, relation);
  add_parameterised_paths(root, relation);
}

void add_limit_path(PlannerInfo* root, UpperRelationKind stage, RelOptInfo* input,
                    RelOptInfo* output, void* extra) {
  const auto* final_extra = static_cast<FinalPathExtraData*>(extra);
  if (stage != UPPERREL_FINAL || !settings::enable_pushdown || !final_extra->limit_needed) return;
  if (root->parse->limitOption == LIMIT_OPTION_WITH_TIES) return;
  RelOptInfo* relation = sole_relation(root, input);
  if (relation == nullptr || plan_of(relation)->local_clauses != NIL ||
      !is_limit_shippable(root, relation))
    return;
  if (root->sort_pathkeys != NIL && !are_remotely_sortable(root, relation, root->sort_pathkeys))
    return;
  const postgres::PathCosts costs = costs_under_limit(relation, final_extra);
  add_path(output, reinterpret_cast<Path*>(postgres::make_upper_path(
                       root, relation, root->upper_targets[UPPERREL_FINAL], costs,
                       root->sort_pathkeys, list_make1_int(kHasLimit))));
}

ForeignScan* make_plan(PlannerInfo* root, RelOptInfo* relation, Oid, ForeignPath* path,
                       List* target, List* clauses, Plan* outer_plan) {
  const bool has_limit = path->fdw_private != NIL;
  const SplitClauses split = split_clauses(root, relation, path, clauses);
  const ParamPathInfo* info = path->path.param_info;
  const Relids outer =
      info == nullptr ? nullptr : bms_difference(info->ppi_req_outer, relation->relids);
  const Shipper shipper = shipper_for(root, relation, outer);
  StatementParts parts{used_attributes(relation, split.local), split.filter, split.remote,
                       path->path.pathkeys, has_limit};
  const RemoteStatement statement = deparse_select(shipper, parts);
  List* pushed = describe_pushed(split.filter != NIL, split.remote != NIL,
                                 path->path.pathkeys != NIL, has_limit);
  List* carried = list_make5(statement.segments, statement.kinds, statement.retrieved, pushed,
                             describe_all_local(root, relation));
  return make_foreignscan(target, split.local, relation->relid, statement.parameters, carried, NIL,
                          list_concat_copy(split.filter, split.remote), outer_plan);
}

}  // namespace lakehouse::fdw
