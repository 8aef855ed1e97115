// SPDX-License-Identifier: PostgreSQL
// Puts a limit of bytes around arguments that are computed, in place.
#include "extension/guard/size.hpp"

#include "extension/border/border.hpp"
#include "extension/guard/allow_list.hpp"
#include "extension/guard/refusal.hpp"
#include "extension/postgres/compat.hpp"

namespace lakehouse::guard {
namespace {

// Against ANY of an array there are so many times fewer bytes on the left, and more on the right.
constexpr int kArrayFactor = 16;

// Of a text that becomes an array or JSON, or the other way round: about a second's work.
constexpr int kMaxConverted = 16'000'000;

Node* without_relabel(Node* node) {
  while (node != nullptr && IsA(node, RelabelType))
    node = reinterpret_cast<Node*>(reinterpret_cast<RelabelType*>(node)->arg);
  return node;
}

// A column of a table, perhaps through sub-selects: data, which the query can't blow up.
bool is_stored(Node* node, const Query* query) {
  check_stack_depth();
  const auto* var = reinterpret_cast<Var*>(without_relabel(node));
  if (!IsA(var, Var) || var->varlevelsup != 0 || var->varattno <= 0) return false;
  const RangeTblEntry* entry = rt_fetch(var->varno, query->rtable);
  if (entry->rtekind == RTE_RELATION) return true;
  if (entry->rtekind != RTE_SUBQUERY || entry->subquery->setOperations != nullptr) return false;
  const TargetEntry* target = get_tle_by_resno(entry->subquery->targetList, var->varattno);
  return target != nullptr && is_stored(reinterpret_cast<Node*>(target->expr), entry->subquery);
}

bool is_small_constant(Node* node, int bytes) {
  const auto* constant = reinterpret_cast<Const*>(without_relabel(node));
  return IsA(constant, Const) &&
         (constant->constisnull ||
          toast_raw_datum_size(constant->constvalue) <= static_cast<Size>(bytes));
}

bool is_limited(Node* node) {
  return IsA(node, FuncExpr) && reinterpret_cast<FuncExpr*>(node)->funcid == size_limiter();
}

void limit_argument(ListCell* cell, int bytes) {
  auto* argument = static_cast<Node*>(lfirst(cell));
  if (is_small_constant(argument, bytes) || is_limited(argument)) return;
  const Oid limiter = size_limiter();
  if (!OidIsValid(limiter)) elog(ERROR, "function lakehouse.limit_size is missing");
  const Oid collation = exprCollation(argument);
  Const* limit =
      makeConst(INT4OID, -1, InvalidOid, sizeof(int32), Int32GetDatum(bytes), false, true);
  lfirst(cell) = makeFuncExpr(limiter, exprType(argument), list_make2(argument, limit), collation,
                              collation, COERCE_EXPLICIT_CALL);
}

void limit_arguments(Oid function, List* arguments, const Query* query, int factor) {
  const SizeCaps* caps = find_size_caps(function);
  if (caps == nullptr || arguments == NIL) return;  // defaults are not filled in yet
  // What is looked for is short, stored or not; of two equals both may be data.
  if (!is_stored(static_cast<Node*>(linitial(arguments)), query))
    limit_argument(list_head(arguments), caps->first / factor);
  if (caps->second == 0 || list_length(arguments) < 2) return;
  if (caps->first != caps->second || !is_stored(static_cast<Node*>(lsecond(arguments)), query))
    limit_argument(list_second_cell(arguments), caps->second * factor);
}

bool is_composed(Oid type) {
  return type == JSONOID || type == JSONBOID || OidIsValid(get_element_type(type));
}

void limit_conversion(CoerceViaIO* conversion, const Query* query) {
  auto* argument = reinterpret_cast<Node*>(conversion->arg);
  const bool is_large = is_composed(conversion->resulttype) || is_composed(exprType(argument));
  if (!is_large || get_typlen(exprType(argument)) != -1 || is_stored(argument, query)) return;
  List* arguments = list_make1(argument);
  limit_argument(list_head(arguments), kMaxConverted);
  conversion->arg = static_cast<Expr*>(linitial(arguments));
}

bool visit(Node* node, void* argument) {
  if (node == nullptr) return false;
  check_stack_depth();
  const auto* query = static_cast<const Query*>(argument);
  switch (nodeTag(node)) {
    case T_Query:
      limit_sizes(reinterpret_cast<Query*>(node));
      return false;
    case T_OpExpr: {
      const auto* operation = reinterpret_cast<OpExpr*>(node);
      limit_arguments(get_opcode(operation->opno), operation->args, query, 1);
      break;
    }
    case T_ScalarArrayOpExpr: {
      const auto* operation = reinterpret_cast<ScalarArrayOpExpr*>(node);
      limit_arguments(get_opcode(operation->opno), operation->args, query, kArrayFactor);
      break;
    }
    case T_FuncExpr: {
      const auto* call = reinterpret_cast<FuncExpr*>(node);
      limit_arguments(call->funcid, call->args, query, 1);
      break;
    }
    case T_CoerceViaIO:
      limit_conversion(reinterpret_cast<CoerceViaIO*>(node), query);
      break;
    default:
      break;
  }
  return postgres::walk_expression(node, visit, argument);
}

}  // namespace

void limit_sizes(Query* query) { (void)postgres::walk_query(query, visit, query); }

Oid size_limiter() {
  const Oid schema = get_namespace_oid("lakehouse", true);
  if (!OidIsValid(schema)) return InvalidOid;
  const Oid types[] = {ANYELEMENTOID, INT4OID};
  return GetSysCacheOid3(PROCNAMEARGSNSP, Anum_pg_proc_oid, CStringGetDatum("limit_size"),
                         PointerGetDatum(buildoidvector(types, 2)), ObjectIdGetDatum(schema));
}

}  // namespace lakehouse::guard

// limit_size(value anyelement, bytes integer) → value, or 54001.
LAKEHOUSE_SQL_FUNCTION(lakehouse_limit_size) {
  const Datum value = PG_GETARG_DATUM(0);
  const int bytes = PG_GETARG_INT32(1);
  lakehouse::border::call([&] {
    if (get_fn_expr_argtype(fcinfo->flinfo, 0) != InvalidOid &&
        get_typlen(get_fn_expr_argtype(fcinfo->flinfo, 0)) == -1 &&
        toast_raw_datum_size(value) <= static_cast<Size>(bytes) + VARHDRSZ)
      return;
    lakehouse::guard::refuse(
        {lakehouse::guard::Code::kQueryTooComplex, "value", nullptr,
         psprintf("A value that is computed may have at most %d bytes here.", bytes),
         "Compare shorter values, or stored ones."});
  });
  return value;
}
