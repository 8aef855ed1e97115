// SPDX-License-Identifier: PostgreSQL
// What differs between PostgreSQL 15 and 18, and nowhere else. Include after the prelude.
#pragma once

#include <cstdint>

#include "extension/postgres/prelude.hpp"

namespace lakehouse::postgres {

struct PathCosts {
  double rows;
  Cost startup;
  Cost total;
};

inline ForeignPath* make_scan_path(PlannerInfo* root, RelOptInfo* relation, const PathCosts& costs,
                                   List* pathkeys, Relids required_outer) {
#if PG_VERSION_NUM >= 180000
  return create_foreignscan_path(root, relation, nullptr, costs.rows, 0, costs.startup, costs.total,
                                 pathkeys, required_outer, nullptr, NIL, NIL);
#elif PG_VERSION_NUM >= 170000
  return create_foreignscan_path(root, relation, nullptr, costs.rows, costs.startup, costs.total,
                                 pathkeys, required_outer, nullptr, NIL, NIL);
#else
  return create_foreignscan_path(root, relation, nullptr, costs.rows, costs.startup, costs.total,
                                 pathkeys, required_outer, nullptr, NIL);
#endif
}

inline ForeignPath* make_upper_path(PlannerInfo* root, RelOptInfo* relation, PathTarget* target,
                                    const PathCosts& costs, List* pathkeys, List* fdw_private) {
#if PG_VERSION_NUM >= 180000
  return create_foreign_upper_path(root, relation, target, costs.rows, 0, costs.startup,
                                   costs.total, pathkeys, nullptr, NIL, fdw_private);
#elif PG_VERSION_NUM >= 170000
  return create_foreign_upper_path(root, relation, target, costs.rows, costs.startup, costs.total,
                                   pathkeys, nullptr, NIL, fdw_private);
#else
  return create_foreign_upper_path(root, relation, target, costs.rows, costs.startup, costs.total,
                                   pathkeys, nullptr, fdw_private);
#endif
}

using ExpressionWalker = bool (*)(Node*, void*);

inline bool walk_expression(Node* node, ExpressionWalker walker, void* argument) {
#if PG_VERSION_NUM >= 160000
  return expression_tree_walker(node, walker, argument);
#else
  // Declared without a prototype, for C's sake.
  return expression_tree_walker(
      node, reinterpret_cast<bool (*)()>(reinterpret_cast<void (*)()>(walker)), argument);
#endif
}

// Of the parser's tree.
inline bool walk_raw(Node* node, ExpressionWalker walker, void* argument) {
#if PG_VERSION_NUM >= 160000
  return raw_expression_tree_walker(node, walker, argument);
#else
  return raw_expression_tree_walker(
      node, reinterpret_cast<bool (*)()>(reinterpret_cast<void (*)()>(walker)), argument);
#endif
}

constexpr int kWalkFlags = QTW_EXAMINE_SORTGROUP | QTW_IGNORE_JOINALIASES;

// Every expression of a query and its sub-queries' entry points, ORDER BY and GROUP BY included;
// not the columns a join has but nobody reads.
inline bool walk_query(const Query* query, ExpressionWalker walker, void* argument) {
  auto* tree = const_cast<Query*>(query);
#if PG_VERSION_NUM >= 160000
  return query_tree_walker(tree, walker, argument, kWalkFlags);
#else
  return query_tree_walker(tree, reinterpret_cast<bool (*)()>(reinterpret_cast<void (*)()>(walker)),
                           argument, kWalkFlags);
#endif
}

using PlanStateWalker = bool (*)(PlanState*, void*);

inline bool walk_plan_state(PlanState* state, PlanStateWalker walker, void* argument) {
#if PG_VERSION_NUM >= 160000
  return planstate_tree_walker(state, walker, argument);
#else
  return planstate_tree_walker(
      state, reinterpret_cast<bool (*)()>(reinterpret_cast<void (*)()>(walker)), argument);
#endif
}

// What a query asks of one of its relations.
inline const Bitmapset* selected_columns([[maybe_unused]] const Query* query,
                                         const RangeTblEntry* entry) {
#if PG_VERSION_NUM >= 160000
  if (entry->perminfoindex == 0) return nullptr;
  return getRTEPermissionInfo(query->rteperminfos, const_cast<RangeTblEntry*>(entry))->selectedCols;
#else
  return entry->selectedCols;
#endif
}

inline std::uint64_t required_permissions([[maybe_unused]] const Query* query,
                                          const RangeTblEntry* entry) {
#if PG_VERSION_NUM >= 160000
  if (entry->perminfoindex == 0) return 0;
  return getRTEPermissionInfo(query->rteperminfos, const_cast<RangeTblEntry*>(entry))
      ->requiredPerms;
#else
  return entry->requiredPerms;
#endif
}

inline bool may_use_schema(Oid schema) {
#if PG_VERSION_NUM >= 160000
  return object_aclcheck(NamespaceRelationId, schema, GetUserId(), ACL_USAGE) == ACLCHECK_OK;
#else
  return pg_namespace_aclcheck(schema, GetUserId(), ACL_USAGE) == ACLCHECK_OK;
#endif
}

// The ordering a path key asks for: less-than first?
inline bool is_descending(const PathKey* key) {
#if PG_VERSION_NUM >= 180000
  return key->pk_cmptype == COMPARE_GT;
#else
  return key->pk_strategy == BTGreaterStrategyNumber;
#endif
}

}  // namespace lakehouse::postgres
