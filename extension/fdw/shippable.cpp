// SPDX-License-Identifier: PostgreSQL
// The walk over an expression. One function per kind of node; each returns nullptr or a reason.
#include "extension/fdw/shippable.hpp"

#include <algorithm>

#include "core/dialect/shippable.hpp"
#include "extension/fdw/parameter.hpp"
#include "extension/fdw/pattern.hpp"
#include "extension/postgres/compat.hpp"

namespace lakehouse::fdw {
namespace {

using dialect::Condition;
using dialect::ShippableFunction;

constexpr int kMaxPrecision = 38;  // of DECIMAL, in Databricks and Snowflake alike
static_assert(kParameterWhole + kParameterScale <= kMaxPrecision);

Oid sendable_type_of(Node* expression) {
  const Oid type = exprType(expression);
  const Oid element = get_element_type(type);
  return OidIsValid(element) ? element : type;
}

// Digits an expression's exact result can have; precision 0: unknown.
struct DecimalBound {
  int precision;
  int scale;
};

DecimalBound bound_of(const Shipper& shipper, Node* node);

DecimalBound bound_of_call(const Shipper& shipper, Oid function, List* arguments) {
  constexpr int kInt2Digits = 5;
  constexpr int kInt4Digits = 10;
  constexpr int kInt8Digits = 19;
  switch (function) {
    case F_NUMERIC_INT2:
      return {kInt2Digits, 0};
    case F_NUMERIC_INT4:
      return {kInt4Digits, 0};
    case F_NUMERIC_INT8:
      return {kInt8Digits, 0};
    default:
      break;
  }
  if (list_length(arguments) != 2) return {0, 0};
  const DecimalBound left = bound_of(shipper, static_cast<Node*>(linitial(arguments)));
  const DecimalBound right = bound_of(shipper, static_cast<Node*>(lsecond(arguments)));
  if (left.precision == 0 || right.precision == 0) return {0, 0};
  if (function == F_NUMERIC_MUL)
    return {left.precision + right.precision + 1, left.scale + right.scale};
  if (function != F_NUMERIC_ADD && function != F_NUMERIC_SUB) return {0, 0};
  const int scale = std::max(left.scale, right.scale);
  return {std::max(left.precision - left.scale, right.precision - right.scale) + scale + 1, scale};
}

// An array counts as one of its elements.
DecimalBound bound_of(const Shipper& shipper, Node* node) {
  switch (nodeTag(node)) {
    case T_Var: {
      const auto* var = reinterpret_cast<Var*>(node);
      if (var->varattno <= 0 ||
          !bms_is_member(static_cast<int>(var->varno), shipper.relation->relids))
        break;
      const Column& column = shipper.plan->columns.at(var->varattno);
      const dialect::DecimalModifier decimal =
          column.decimal.precision > 0 ? column.decimal
                                       : dialect::decimal_modifier_of(column.remote_type);
      return {decimal.precision, decimal.scale};
    }
    case T_Const: {
      const auto* constant = reinterpret_cast<Const*>(node);
      if (constant->constisnull || constant->consttype != NUMERICOID) break;
      const DecimalDigits digits = digits_of(constant->constvalue);
      return {std::max(digits.whole + digits.scale, 1), digits.scale};
    }
    case T_OpExpr:
      return bound_of_call(shipper, get_opcode(reinterpret_cast<OpExpr*>(node)->opno),
                           reinterpret_cast<OpExpr*>(node)->args);
    case T_FuncExpr:
      return bound_of_call(shipper, reinterpret_cast<FuncExpr*>(node)->funcid,
                           reinterpret_cast<FuncExpr*>(node)->args);
    default:
      break;
  }
  // What a sub-select computes may have more digits than a parameter: an average has twenty.
  const bool is_computed =
      IsA(node, Param) && reinterpret_cast<Param*>(node)->paramkind != PARAM_EXTERN;
  if (sendable_type_of(node) == NUMERICOID && !is_computed && is_parameter(shipper, node))
    return {kParameterWhole + kParameterScale, kParameterScale};
  return {0, 0};
}

// Both sides fit one DECIMAL, so that the remote comparison rounds neither.
bool is_comparable(const Shipper& shipper, List* arguments) {
  const DecimalBound left = bound_of(shipper, static_cast<Node*>(linitial(arguments)));
  const DecimalBound right = bound_of(shipper, static_cast<Node*>(lsecond(arguments)));
  if (left.precision == 0 || right.precision == 0) return false;
  return std::max(left.precision - left.scale, right.precision - right.scale) +
             std::max(left.scale, right.scale) <=
         kMaxPrecision;
}

bool is_safe_divisor(Node* node) {
  if (!IsA(node, Const) || reinterpret_cast<Const*>(node)->constisnull) return false;
  const auto* constant = reinterpret_cast<Const*>(node);
  std::int64_t value = 0;
  switch (constant->consttype) {
    case INT2OID:
      value = DatumGetInt16(constant->constvalue);
      break;
    case INT4OID:
      value = DatumGetInt32(constant->constvalue);
      break;
    case INT8OID:
      value = DatumGetInt64(constant->constvalue);
      break;
    default:
      break;
  }
  return value != 0 && value != -1;
}

const char* reason_of_condition(const Shipper& shipper, const ShippableFunction& function,
                                List* arguments, Oid collation) {
  switch (function.condition) {
    case Condition::kNone:
      return nullptr;
    case Condition::kDecimalComparable:
      return arguments == NIL || is_comparable(shipper, arguments)
                 ? nullptr
                 : "its numbers may need more than 38 digits";
    case Condition::kDeterministicCollation:
      return get_collation_isdeterministic(collation) ? nullptr
                                                      : "its collation is not deterministic";
    case Condition::kBinaryCollation:
      return lc_collate_is_c(collation)
                 ? nullptr
                 : "text order depends on the collation; COLLATE \"C\" can be pushed";
    case Condition::kSafeDivisor:
      return is_safe_divisor(static_cast<Node*>(lsecond(arguments)))
                 ? nullptr
                 : "its divisor is not a constant other than 0 and -1";
    case Condition::kDecimalFits: {
      const DecimalBound bound = bound_of_call(shipper, function.oid, arguments);
      return bound.precision > 0 && bound.precision <= kMaxPrecision
                 ? nullptr
                 : "its result may have more than 38 digits";
    }
    case Condition::kLikePattern:
      return is_common_pattern(static_cast<Node*>(lsecond(arguments)))
                 ? nullptr
                 : "its pattern is not a constant that both sides read alike";
  }
  return "its condition is unknown";
}

const char* reason_of_list(const Shipper& shipper, List* expressions) {
  ListCell* cell;
  foreach (cell, expressions) {
    if (const char* reason = reason_to_keep_local(shipper, static_cast<Node*>(lfirst(cell))))
      return reason;
  }
  return nullptr;
}

const char* reason_of_call(const Shipper& shipper, Oid function, List* arguments, Oid collation) {
  const ShippableFunction* row = dialect::find_shippable(function);
  if (row == nullptr) {
    return psprintf("function %s is not known to agree remotely", format_procedure(function));
  }
  if (const char* reason = reason_of_condition(shipper, *row, arguments, collation)) return reason;
  return reason_of_list(shipper, arguments);
}

const char* reason_of_column(const Shipper& shipper, const Var* var) {
  if (!bms_is_member(static_cast<int>(var->varno), shipper.relation->relids) ||
      var->varlevelsup != 0) {
    return "it refers to another table";
  }
  if (var->varattno <= 0) return "it refers to a system column or a whole row";
  const Column& column = shipper.plan->columns.at(var->varattno);
  if (column.local != nullptr &&
      dialect::is_counterpart(*column.local, column.decimal, column.remote_type)) {
    return nullptr;
  }
  return psprintf("column \"%s\" is of type %s here and %s remotely", column.name,
                  format_type_be(column.type),
                  column.remote_type[0] != '\0' ? column.remote_type : "of an unknown type");
}

// The list may be a constant, expanded here, or a value known when the scan starts.
const char* reason_of_array(const Shipper& shipper, const ScalarArrayOpExpr* expression) {
  Node* array = static_cast<Node*>(lsecond(expression->args));
  const Oid element = get_element_type(exprType(array));
  const dialect::LocalType* local = dialect::find_local_type(element);
  if (local == nullptr || local->databricks.empty()) return "elements of that type can't be sent";
  const ShippableFunction* row = dialect::find_shippable(get_opcode(expression->opno));
  // `= ANY` is IN, `<> ALL` is NOT IN; the other two are neither.
  if (row == nullptr || row->databricks != (expression->useOr ? "($1 = $2)" : "($1 <> $2)")) {
    return "only = ANY and <> ALL are pushed";
  }
  if (const char* reason =
          reason_of_condition(shipper, *row, expression->args, expression->inputcollid))
    return reason;
  if (!is_parameter(shipper, array)) return "its list is not known when the scan starts";
  return reason_to_keep_local(shipper, static_cast<Node*>(linitial(expression->args)));
}

const char* reason_of_relabel(const Shipper& shipper, const RelabelType* relabel) {
  const dialect::LocalType* from =
      dialect::find_local_type(exprType(reinterpret_cast<Node*>(relabel->arg)));
  const dialect::LocalType* to = dialect::find_local_type(relabel->resulttype);
  if (from == nullptr || to == nullptr || from->databricks != to->databricks ||
      from->databricks.empty()) {
    return "it reads one type as another";
  }
  return reason_to_keep_local(shipper, reinterpret_cast<Node*>(relabel->arg));
}

// Whether a column is NULL is the same on both sides whatever its type.
const char* reason_of_null_test(const Shipper& shipper, Node* argument) {
  const auto* var = reinterpret_cast<Var*>(argument);
  if (IsA(argument, Var) && var->varattno > 0 && var->varlevelsup == 0 &&
      bms_is_member(static_cast<int>(var->varno), shipper.relation->relids)) {
    return nullptr;
  }
  return reason_to_keep_local(shipper, argument);
}

struct ColumnSearch {
  const Shipper* shipper;
  bool is_found;
};

// Finds what may not be part of a parameter: the relation's own columns, foreign ones that are not
// on offer, and everything that has no value of its own when the scan starts.
bool search_unfit(Node* node, void* argument) {
  auto* search = static_cast<ColumnSearch*>(argument);
  if (node == nullptr || search->is_found) return search->is_found;
  switch (nodeTag(node)) {
    case T_Var: {
      const auto* var = reinterpret_cast<Var*>(node);
      search->is_found = var->varlevelsup != 0 ||
                         !bms_is_member(static_cast<int>(var->varno), search->shipper->outer);
      return search->is_found;
    }
    case T_Param:
      search->is_found = reinterpret_cast<Param*>(node)->paramkind == PARAM_SUBLINK ||
                         reinterpret_cast<Param*>(node)->paramkind == PARAM_MULTIEXPR;
      return search->is_found;
    case T_SubLink:
    case T_SubPlan:
    case T_AlternativeSubPlan:
    case T_PlaceHolderVar:
    case T_Aggref:
    case T_GroupingFunc:
    case T_WindowFunc:
    case T_CurrentOfExpr:
    case T_SetToDefault:
      search->is_found = true;
      return true;
    default:
      return postgres::walk_expression(node, search_unfit, argument);
  }
}

}  // namespace

bool is_parameter(const Shipper& shipper, Node* expression) {
  const dialect::LocalType* local = dialect::find_local_type(sendable_type_of(expression));
  if (local == nullptr || local->databricks.empty()) return false;
  if (IsA(expression, Const)) return is_sendable(reinterpret_cast<Const*>(expression));
  ColumnSearch search{&shipper, false};
  search_unfit(expression, &search);
  return !search.is_found && !contain_volatile_functions(expression) &&
         !expression_returns_set(expression);
}

const char* reason_to_keep_local(const Shipper& shipper, Node* expression) {
  if (is_parameter(shipper, expression)) return nullptr;
  switch (nodeTag(expression)) {
    case T_Var:
      return reason_of_column(shipper, reinterpret_cast<Var*>(expression));
    case T_Const:
    case T_Param:
      return "a value can't be sent";
    case T_OpExpr: {
      const auto* operation = reinterpret_cast<OpExpr*>(expression);
      return reason_of_call(shipper, get_opcode(operation->opno), operation->args,
                            operation->inputcollid);
    }
    case T_FuncExpr: {
      const auto* call = reinterpret_cast<FuncExpr*>(expression);
      return reason_of_call(shipper, call->funcid, call->args, call->inputcollid);
    }
    case T_ScalarArrayOpExpr:
      return reason_of_array(shipper, reinterpret_cast<ScalarArrayOpExpr*>(expression));
    case T_RelabelType:
      return reason_of_relabel(shipper, reinterpret_cast<RelabelType*>(expression));
    case T_BoolExpr:
      return reason_of_list(shipper, reinterpret_cast<BoolExpr*>(expression)->args);
    case T_NullTest:
      if (reinterpret_cast<NullTest*>(expression)->argisrow) return "it tests a row";
      return reason_of_null_test(
          shipper, reinterpret_cast<Node*>(reinterpret_cast<NullTest*>(expression)->arg));
    case T_BooleanTest:
      return reason_to_keep_local(
          shipper, reinterpret_cast<Node*>(reinterpret_cast<BooleanTest*>(expression)->arg));
    case T_RestrictInfo:
      return reason_to_keep_local(
          shipper, reinterpret_cast<Node*>(reinterpret_cast<RestrictInfo*>(expression)->clause));
    default:
      return "this kind of expression is not pushed";
  }
}

Expr* find_remote_sort_expression(const Shipper& shipper, const PathKey* key) {
  const EquivalenceClass* equivalents = key->pk_eclass;
  if (equivalents->ec_has_volatile) return nullptr;
  ListCell* cell;
  foreach (cell, equivalents->ec_members) {
    const auto* member = static_cast<EquivalenceMember*>(lfirst(cell));
    if (member->em_is_child || !bms_equal(member->em_relids, shipper.relation->relids)) continue;
    const Oid less_than = get_opfamily_member(key->pk_opfamily, member->em_datatype,
                                              member->em_datatype, BTLessStrategyNumber);
    if (!OidIsValid(less_than)) continue;
    const ShippableFunction* order = dialect::find_shippable(get_opcode(less_than));
    if (order == nullptr || order->databricks != "($1 < $2)") continue;
    if (reason_of_condition(shipper, *order, NIL, equivalents->ec_collation) != nullptr) continue;
    if (reason_to_keep_local(shipper, reinterpret_cast<Node*>(member->em_expr)) == nullptr)
      return member->em_expr;
  }
  return nullptr;
}

}  // namespace lakehouse::fdw
