// SPDX-License-Identifier: PostgreSQL
// The shape is judged by the analysed query, the function by its row, each time it is planned and
// each time it is started.
#include "extension/guard/tool.hpp"

#include "extension/border/border.hpp"
#include "extension/guard/identity.hpp"
#include "extension/guard/lookup.hpp"
#include "extension/guard/refusal.hpp"

namespace lakehouse::guard {
namespace {

// Beside the tools' own functions those that the catalog is used by, whatever its rows.
// Process-wide by nature: plans are kept per session.
LookupQuery find_tool = {
    "SELECT FROM pg_proc p WHERE p.oid = $1 AND p.pronamespace = 'lakehouse'::regnamespace "
    "AND (p.proname IN ('check_arguments', 'complete', 'describe_warehouse_table', 'get_prompt', "
    "'read_resource', 'warehouse_statement') OR EXISTS (SELECT FROM lakehouse.tools t "
    "WHERE t.function = 'lakehouse.' || p.proname AND t.kind = 'function'))",
    nullptr};

// Nothing but a target list.
bool is_bare(const Query* query) {
  return query->commandType == CMD_SELECT && query->utilityStmt == nullptr &&
         query->cteList == NIL && query->rtable == NIL && query->jointree != nullptr &&
         query->jointree->fromlist == NIL && query->jointree->quals == nullptr &&
         query->setOperations == nullptr && query->groupClause == NIL &&
         query->groupingSets == NIL && query->havingQual == nullptr && query->windowClause == NIL &&
         query->distinctClause == NIL && query->sortClause == NIL &&
         query->limitOffset == nullptr && query->limitCount == nullptr && query->rowMarks == NIL &&
         !query->hasSubLinks && !query->hasAggs && !query->hasTargetSRFs &&
         list_length(query->targetList) == 1;
}

bool are_bound(const List* arguments) {
  ListCell* cell;
  foreach (cell, arguments) {
    const auto* parameter = static_cast<Param*>(lfirst(cell));
    if (!IsA(parameter, Param) || parameter->paramkind != PARAM_EXTERN) return false;
  }
  return arguments != NIL;
}

}  // namespace

Oid tool_call_in(const Query* query) {
  if (!is_bare(query) || !is_tool_session()) return InvalidOid;
  const auto* target = linitial_node(TargetEntry, query->targetList);
  const auto* call = reinterpret_cast<const FuncExpr*>(target->expr);
  const bool is_it = IsA(call, FuncExpr) && !call->funcretset && are_bound(call->args);
  return is_it ? call->funcid : InvalidOid;
}

void check_tool(Oid function) {
  bool is_found = false;
  if (is_tool_session()) {
    ErrorData* error =
        look_up({&find_tool, function, [](void* target) { *static_cast<bool*>(target) = true; },
                 &is_found});
    if (error != nullptr) ReThrowError(error);
  }
  if (is_found) return;
  const char* name = get_func_name(function);
  refuse({Code::kFunctionNotAllowListed, "function", name != nullptr ? name : "?",
          "It is no tool, or this session may not call tools.",
          "lakehouse.tools lists the tools."});
}

void run_as_tool(void (*body)(void*), void* argument) {
  ++tool_depth;
  ErrorData* error = border::run_guarded(body, argument);
  --tool_depth;
  if (error == nullptr) return;
  show_error_whole();
  ReThrowError(error);
}

}  // namespace lakehouse::guard
