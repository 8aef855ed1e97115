// SPDX-License-Identifier: PostgreSQL
// One walk over everything a query consists of. Node kinds, functions and types that are not named
// here are refused.
#include "extension/guard/check.hpp"

#include <cstring>

#include "extension/guard/allow_list.hpp"
#include "extension/guard/expansion.hpp"
#include "extension/guard/identity.hpp"
#include "extension/guard/refusal.hpp"
#include "extension/postgres/compat.hpp"

namespace lakehouse::guard {
namespace {

constexpr int kMaxNodes = 20'000;
constexpr int kMaxRelations = 32;
constexpr int kMaxGroupingSets = 64;

const char kExposeHint[] = "Use columns that the data source exposes.";
const char kFunctionHint[] = "lakehouse.list_guarded_functions() lists what may be used.";

struct Walk {
  int nodes;
  int relations;
};

void check_query(const Query* query, Walk& walk);

[[noreturn]] void refuse_statement(Code code, const char* rule) {
  refuse({code, "statement", nullptr, rule, "Send one SELECT."});
}

[[noreturn]] void refuse_size(const char* rule) {
  refuse({Code::kQueryTooComplex, "query", nullptr, rule, "Ask a smaller question."});
}

[[noreturn]] void refuse_construct(const char* what) {
  refuse({Code::kStatementNotAllowed, "construct", what, "Agents may not use it.",
          "Write the query without it."});
}

[[noreturn]] void refuse_function(const char* name) {
  refuse({Code::kFunctionNotAllowListed, "function", name, "It is not on the allow-list of agents.",
          kFunctionHint});
}

void check_type(Oid type) {
  if (type == RECORDOID || type == RECORDARRAYOID || is_type_allowed(type)) return;
  refuse({Code::kTypeNotAllowListed, "type", format_type_be(type),
          "It is not on the allow-list of agents.", "Use a built-in scalar type."});
}

bool is_refused(Oid function, void*) {
  if (is_function_allowed(function)) return false;
  const char* name = get_func_name(function);
  refuse_function(name != nullptr ? name : "?");
}

void check_operator(Oid operation) {
  if (OidIsValid(operation)) is_refused(get_opcode(operation), nullptr);
}

// A constant argument, folded if need be: an integer's value, of anything else the bytes.
bool read_constant(List* arguments, int number, std::int64_t& value) {
  if (number >= list_length(arguments)) return false;
  const auto* constant = reinterpret_cast<Const*>(
      eval_const_expressions(nullptr, static_cast<Node*>(list_nth(arguments, number))));
  if (!IsA(constant, Const) || constant->constisnull) return false;
  switch (constant->consttype) {
    case INT4OID:
      value = DatumGetInt32(constant->constvalue);
      return true;
    case INT8OID:
      value = DatumGetInt64(constant->constvalue);
      return true;
    default:
      if (get_typlen(constant->consttype) != -1) return false;
      value = static_cast<std::int64_t>(toast_raw_datum_size(constant->constvalue)) - VARHDRSZ;
      return true;
  }
}

void check_bound(const ArgumentBound& bound, List* arguments) {
  std::int64_t start = 0, end = 0;
  const bool is_fit =
      read_constant(arguments, bound.argument, end) &&
      (bound.start < 0 || read_constant(arguments, bound.start, start)) &&
      static_cast<double>(end) - static_cast<double>(start) <= static_cast<double>(bound.limit);
  if (is_fit) return;
  refuse({Code::kQueryTooComplex, "function", get_func_name(bound.function),
          psprintf("Argument %d, on which its size or time depends, must be a constant of at "
                   "most " INT64_FORMAT ".",
                   bound.argument + 1, bound.limit),
          "Give it a constant, and a small one."});
}

// Evaluates the arguments: they must have been checked.
void check_bounds(const FuncExpr* call) {
  for (const ArgumentBound& bound : find_bounds(call->funcid)) check_bound(bound, call->args);
}

const char* name_of(SQLValueFunctionOp operation) {
  switch (operation) {
    case SVFOP_CURRENT_ROLE:
      return "current_role";
    case SVFOP_SESSION_USER:
      return "session_user";
    case SVFOP_CURRENT_CATALOG:
      return "current_catalog";
    case SVFOP_CURRENT_SCHEMA:
      return "current_schema";
    case SVFOP_USER:
      return "user";
    default:
      return "current_user";
  }
}

// What check_functions_in_node leaves out.
void check_value_function(const SQLValueFunction* function) {
  switch (function->op) {
    case SVFOP_CURRENT_DATE:
    case SVFOP_CURRENT_TIME:
    case SVFOP_CURRENT_TIME_N:
    case SVFOP_CURRENT_TIMESTAMP:
    case SVFOP_CURRENT_TIMESTAMP_N:
    case SVFOP_LOCALTIME:
    case SVFOP_LOCALTIME_N:
    case SVFOP_LOCALTIMESTAMP:
    case SVFOP_LOCALTIMESTAMP_N:
      return;
    default:
      refuse_function(name_of(function->op));
  }
}

void check_functions(Node* node) {
  // A conversion through text is ruled by its types.
  if (IsA(node, CoerceViaIO)) {
    check_type(exprType(reinterpret_cast<Node*>(reinterpret_cast<CoerceViaIO*>(node)->arg)));
    return;
  }
  check_functions_in_node(node, is_refused, nullptr);
}

// The kinds of expression an agent may write, and whether the kind has a type of its own.
enum class Kind : std::uint8_t { kRefused, kStructure, kValue };

Kind kind_of(const Node* node) {
  switch (nodeTag(node)) {
    case T_List:
    case T_TargetEntry:
    case T_RangeTblRef:
    case T_JoinExpr:
    case T_FromExpr:
    case T_SortGroupClause:
    case T_GroupingSet:
    case T_WindowClause:
    case T_RangeTblFunction:
    case T_CommonTableExpr:
    case T_SetOperationStmt:
    case T_CaseWhen:
    case T_NamedArgExpr:
    case T_Query:
    case T_IntList:
    case T_OidList:
      return Kind::kStructure;
    case T_Var:
    case T_Const:
    case T_Param:
    case T_Aggref:
    case T_GroupingFunc:
    case T_WindowFunc:
    case T_SubscriptingRef:
    case T_FuncExpr:
    case T_OpExpr:
    case T_DistinctExpr:
    case T_NullIfExpr:
    case T_ScalarArrayOpExpr:
    case T_BoolExpr:
    case T_SubLink:
    case T_RelabelType:
    case T_CoerceViaIO:
    case T_ArrayCoerceExpr:
    case T_CollateExpr:
    case T_CaseExpr:
    case T_CaseTestExpr:
    case T_ArrayExpr:
    case T_RowExpr:
    case T_RowCompareExpr:
    case T_CoalesceExpr:
    case T_MinMaxExpr:
    case T_SQLValueFunction:
    case T_NullTest:
    case T_BooleanTest:
    case T_FieldSelect:
      return Kind::kValue;
    default:
      return Kind::kRefused;
  }
}

const char* name_of_refused(const Node* node) {
  switch (nodeTag(node)) {
    case T_XmlExpr:
      return "XML";
    case T_CoerceToDomain:
    case T_CoerceToDomainValue:
      return "domain";
    case T_NextValueExpr:
      return "sequence";
    default:
      return psprintf("node %d", static_cast<int>(nodeTag(node)));
  }
}

void count_node(Walk& walk) {
  if (++walk.nodes > kMaxNodes) refuse_size(psprintf("It has more than %d parts.", kMaxNodes));
}

// A SELECT list of a sub-link has no type of its own.
void check_type_of(Node* node) {
  if (IsA(node, SubLink)) return;
  const Oid type = exprType(node);
  if (!IsA(node, Const) || !is_constant_type_allowed(type)) check_type(type);
}

bool visit(Node* node, void* argument) {
  auto& walk = *static_cast<Walk*>(argument);
  if (node == nullptr) return false;
  check_stack_depth();
  count_node(walk);
  const Kind kind = kind_of(node);
  if (kind == Kind::kRefused) {
    if (IsA(node, CoerceToDomain)) check_type(exprType(node));
    refuse_construct(name_of_refused(node));
  }
  if (IsA(node, Query)) {
    check_query(reinterpret_cast<Query*>(node), walk);
    return false;
  }
  if (kind == Kind::kValue) {
    if (IsA(node, SQLValueFunction))
      check_value_function(reinterpret_cast<SQLValueFunction*>(node));
    check_functions(node);
    check_type_of(node);
  } else if (IsA(node, SortGroupClause)) {
    check_operator(reinterpret_cast<SortGroupClause*>(node)->eqop);
    check_operator(reinterpret_cast<SortGroupClause*>(node)->sortop);
  }
  (void)postgres::walk_expression(node, visit, argument);
  if (IsA(node, FuncExpr)) check_bounds(reinterpret_cast<FuncExpr*>(node));
  return false;
}

void check_shape(const Query* query) {
  switch (query->commandType) {
    case CMD_SELECT:
      break;
    case CMD_INSERT:
    case CMD_UPDATE:
    case CMD_DELETE:
    case CMD_MERGE:
      refuse_statement(Code::kDmlForbidden, "It changes rows.");
    default:
      refuse_statement(Code::kStatementNotAllowed, "It is no SELECT.");
  }
  if (query->rowMarks != NIL || query->hasForUpdate)
    refuse_statement(Code::kDmlForbidden, "FOR UPDATE and FOR SHARE lock rows.");
  if (query->hasRecursive) refuse_size("WITH RECURSIVE has no bound.");
  if (query->groupingSets != NIL &&
      expand_grouping_sets(query->groupingSets, query->groupDistinct, kMaxGroupingSets) == NIL)
    refuse_size(psprintf("It has more than %d grouping sets.", kMaxGroupingSets));
}

void check_crm_columns(const char* name, const Bitmapset* columns) {
  for (int attribute = FirstLowInvalidHeapAttributeNumber + 1; attribute <= 0; ++attribute) {
    if (!bms_is_member(attribute - FirstLowInvalidHeapAttributeNumber, columns)) continue;
    refuse({Code::kColumnNotAllowListed, "column",
            psprintf("%s.%s", name, attribute == 0 ? "*" : "ctid"),
            attribute == 0 ? "The whole row as one value is not allowed."
                           : "System columns are not allowed.",
            "Name the columns."});
  }
}

void check_relation(const Query* query, const RangeTblEntry* entry, Walk& walk) {
  if (++walk.relations > kMaxRelations)
    refuse_size(psprintf("It reads more than %d tables.", kMaxRelations));
  const char* name = get_rel_name(entry->relid);
  if (name == nullptr) refuse_table("?");
  if (entry->tablesample != nullptr) refuse_construct("TABLESAMPLE");
  const Bitmapset* columns = postgres::selected_columns(query, entry);
  const Policy* policy = find_policy(entry->relid);
  switch (policy->kind) {
    case RelationKind::kGoverned:
      check_access(policy, name, columns, postgres::required_permissions(query, entry), true);
      break;
    case RelationKind::kCrm:
      if (pg_class_aclcheck(entry->relid, GetUserId(), ACL_SELECT) != ACLCHECK_OK &&
          pg_attribute_aclcheck_all(entry->relid, GetUserId(), ACL_SELECT, ACLMASK_ANY) !=
              ACLCHECK_OK)
        refuse_table(name);
      check_crm_columns(name, columns);
      break;
    case RelationKind::kOther:
      refuse_table(name);
  }
}

void check_entry(const Query* query, const RangeTblEntry* entry, Walk& walk) {
  switch (entry->rtekind) {
    case RTE_RELATION:
      check_relation(query, entry, walk);
      break;
    case RTE_SUBQUERY:
    case RTE_JOIN:
    case RTE_VALUES:
    case RTE_CTE:
    case RTE_RESULT:
      break;
    case RTE_FUNCTION: {
      ListCell* cell;
      foreach (cell, entry->functions) {
        const auto* function = static_cast<RangeTblFunction*>(lfirst(cell));
        ListCell* type;
        foreach (type, function->funccoltypes) check_type(lfirst_oid(type));
      }
      break;
    }
    case RTE_TABLEFUNC:
      refuse_construct("XMLTABLE");
    default:
      refuse_construct("table of this kind");
  }
}

void check_query(const Query* query, Walk& walk) {
  check_stack_depth();
  count_node(walk);
  check_shape(query);
  ListCell* cell;
  foreach (cell, query->rtable) check_entry(query, static_cast<RangeTblEntry*>(lfirst(cell)), walk);
  (void)postgres::walk_query(query, visit, &walk);
}

// nullptr if every column read is exposed, else the first that isn't.
const char* first_hidden(const Policy* policy, const char* name, const Bitmapset* columns) {
  int member = -1;
  while ((member = bms_next_member(columns, member)) >= 0) {
    const int attribute = member + FirstLowInvalidHeapAttributeNumber;
    if (attribute == 0) return psprintf("%s.*", name);
    if (bms_is_member(member, policy->columns)) continue;
    const char* column =
        attribute > 0 ? get_attname(policy->relation, static_cast<AttrNumber>(attribute), true)
                      : "system column";
    return psprintf("%s.%s", name, column != nullptr ? column : "?");
  }
  return nullptr;
}

}  // namespace

void check_agent_query(const Query* query) {
  Walk walk{};
  check_query(query, walk);
  check_expansion(query);
}

void check_single_statement(const char* source) {
  if (source == nullptr) return;
  if (list_length(raw_parser(source, RAW_PARSE_DEFAULT)) > 1) {
    refuse({Code::kMultiStatement, "text", nullptr, "It has more than one statement.",
            "Send one SELECT at a time."});
  }
}

void check_access(const Policy* policy, const char* name, const Bitmapset* columns,
                  std::uint64_t permissions, bool is_agent) {
  if (!policy->is_exposed) {
    const bool is_admin = !is_agent && OidIsValid(policy->admin_role) &&
                          is_member_of_role_nosuper(GetUserId(), policy->admin_role);
    if (is_admin) return;
    refuse_table(name);
  }
  if ((permissions & ~static_cast<std::uint64_t>(ACL_SELECT)) != 0)
    refuse_statement(Code::kDmlForbidden, "A governed table is read only.");
  if (const char* hidden = first_hidden(policy, name, columns)) {
    const bool is_star = hidden[std::strlen(hidden) - 1] == '*';
    refuse(
        {Code::kColumnNotAllowListed, "column", hidden,
         is_star
             ? "The whole row has columns that may be hidden."
             : "The data source does not expose it; SELECT * and NATURAL JOIN read every column.",
         kExposeHint});
  }
}

}  // namespace lakehouse::guard
