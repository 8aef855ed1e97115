// SPDX-License-Identifier: PostgreSQL
// Counts by following each column into its sub-select, and stops at the limit: the count takes no
// more steps than that.
#include "extension/guard/expansion.hpp"

#include <cstring>

#include "extension/guard/refusal.hpp"
#include "extension/postgres/compat.hpp"

namespace lakehouse::guard {
namespace {

constexpr int kMaxParts = 100'000;

struct Level {
  const Query* query;
  const Level* parent;
};

struct Count {
  const Level* level;
  int* parts;
};

void count(Node* node, const Level* level, int* parts);

// The planner leaves any other sub-select alone.
bool is_pulled_up(const Query* query) {
  return !query->hasAggs && !query->hasWindowFuncs && !query->hasTargetSRFs &&
         query->groupClause == NIL && query->groupingSets == NIL && query->havingQual == nullptr &&
         query->sortClause == NIL && query->distinctClause == NIL && query->limitCount == nullptr &&
         query->limitOffset == nullptr;
}

void count_output(const Query* query, AttrNumber column, const Level* parent, int* parts);

// Each branch of a UNION gets its own copy of what is computed from it.
void count_branches(Node* node, AttrNumber column, const Level* level, int* parts) {
  if (IsA(node, SetOperationStmt)) {
    const auto* operation = reinterpret_cast<SetOperationStmt*>(node);
    count_branches(operation->larg, column, level, parts);
    count_branches(operation->rarg, column, level, parts);
    return;
  }
  const RangeTblEntry* branch =
      rt_fetch(reinterpret_cast<RangeTblRef*>(node)->rtindex, level->query->rtable);
  count_output(branch->subquery, column, level, parts);
}

void count_output(const Query* query, AttrNumber column, const Level* parent, int* parts) {
  if (!is_pulled_up(query)) return;
  const Level level{query, parent};
  if (query->setOperations != nullptr)
    return count_branches(query->setOperations, column, &level, parts);
  const TargetEntry* target = get_tle_by_resno(query->targetList, column);
  if (target != nullptr) count(reinterpret_cast<Node*>(target->expr), &level, parts);
}

const Level* above(const Level* level, Index steps) {
  for (; steps > 0 && level != nullptr; --steps) level = level->parent;
  return level;
}

// What is read once is planned as a sub-select.
void count_cte(const RangeTblEntry* entry, AttrNumber column, const Level* level, int* parts) {
  const Level* owner = above(level, entry->ctelevelsup);
  if (owner == nullptr) return;
  ListCell* cell;
  foreach (cell, owner->query->cteList) {
    const auto* cte = static_cast<CommonTableExpr*>(lfirst(cell));
    if (std::strcmp(cte->ctename, entry->ctename) == 0 && cte->cterefcount == 1 &&
        !cte->cterecursive)
      count_output(reinterpret_cast<Query*>(cte->ctequery), column, owner, parts);
  }
}

void count_column(const Var* var, const Level* level, int* parts) {
  level = above(level, var->varlevelsup);
  if (level == nullptr || var->varattno <= 0) return;
  const RangeTblEntry* entry = rt_fetch(var->varno, level->query->rtable);
  switch (entry->rtekind) {
    case RTE_SUBQUERY:
      return count_output(entry->subquery, var->varattno, level, parts);
    case RTE_CTE:
      return count_cte(entry, var->varattno, level, parts);
    case RTE_JOIN:
      return count(static_cast<Node*>(list_nth(entry->joinaliasvars, var->varattno - 1)), level,
                   parts);
    default:
      return;
  }
}

bool visit(Node* node, void* argument) {
  if (node == nullptr) return false;
  check_stack_depth();
  const auto* known = static_cast<const Count*>(argument);
  if (++*known->parts > kMaxParts) {
    refuse({Code::kQueryTooComplex, "query", nullptr,
            psprintf("With its sub-selects put in place it has more than %d parts.", kMaxParts),
            "Use each computed column once, or ask a smaller question."});
  }
  if (IsA(node, Query)) {
    const Level level{reinterpret_cast<Query*>(node), known->level};
    Count inner{&level, known->parts};
    return postgres::walk_query(level.query, visit, &inner);
  }
  if (IsA(node, Var)) count_column(reinterpret_cast<Var*>(node), known->level, known->parts);
  return postgres::walk_expression(node, visit, argument);
}

void count(Node* node, const Level* level, int* parts) {
  Count known{level, parts};
  (void)visit(node, &known);
}

}  // namespace

void check_expansion(const Query* query) {
  int parts = 0;
  count(reinterpret_cast<Node*>(const_cast<Query*>(query)), nullptr, &parts);
}

}  // namespace lakehouse::guard
