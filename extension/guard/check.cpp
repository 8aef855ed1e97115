// SPDX-License-Identifier: PostgreSQL
// One walk over everything a query consists of. Node kinds, functions and types that are not named
// here are refused.
#include "extension/guard/check.hpp"

#include <cstring>

#include "extension/guard/allow_list.hpp"
#include "extension/guard/columns.hpp"
#include "extension/guard/expansion.hpp"
#include "extension/guard/identity.hpp"
#include "extension/guard/refusal.hpp"
#include "extension/guard/utility.hpp"
#include "extension/postgres/compat.hpp"

namespace lakehouse::guard {
namespace {

constexpr int kMaxTextBytes = 1 << 20;
constexpr int kMaxNodes = 20'000;
constexpr int kMaxRelations = 32;
constexpr int kMaxGroupingSets = 64;

struct Walk {
  int nodes;
  int relations;
};

void check_query(const Query* query, Walk& walk);

void check_type(Oid type) {
  if (type == RECORDOID || type == RECORDARRAYOID || is_type_allowed(type)) return;
  refuse(type_refusal(format_type_be(type)));
}

bool is_refused(Oid function, void*) {
  if (is_function_allowed(function)) return false;
  const char* name = get_func_name(function);
  refuse(function_refusal(name != nullptr ? name : "?"));
}

void check_operator(Oid operation) {
  if (!OidIsValid(operation) || is_function_allowed(get_opcode(operation))) return;
  const char* name = get_opname(operation);
  refuse(operator_refusal(name != nullptr ? name : "?"));
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

// Whose it is decides, since nothing says who may use it.
bool is_own_object(Oid object) { return object >= FirstNormalObjectId; }

void check_collation(Oid collation) {
  if (!is_own_object(collation)) return;
  const char* name = get_collation_name(collation);
  refuse(collation_refusal(name != nullptr ? name : "?"));
}

// A SELECT list of a sub-link has no type of its own.
void check_type_of(Node* node) {
  if (IsA(node, SubLink)) return;
  const Oid type = exprType(node);
  if (IsA(node, Const) && type == REGCONFIGOID && !reinterpret_cast<Const*>(node)->constisnull &&
      is_own_object(DatumGetObjectId(reinterpret_cast<Const*>(node)->constvalue)))
    refuse(type_refusal("regconfig"));
  if (IsA(node, CollateExpr)) check_collation(reinterpret_cast<CollateExpr*>(node)->collOid);
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
      refuse_change();
    default:
      refuse_statement(Code::kStatementNotAllowed, "It is no SELECT.");
  }
  if (query->rowMarks != NIL || query->hasForUpdate) refuse_lock();
  if (query->hasRecursive) refuse_recursion();
  if (query->groupingSets != NIL &&
      expand_grouping_sets(query->groupingSets, query->groupDistinct, kMaxGroupingSets) == NIL)
    refuse_size(psprintf("It has more than %d grouping sets.", kMaxGroupingSets));
}

void check_crm_columns(const Policy* policy, const char* name, const Bitmapset* columns) {
  int member = -1;
  while ((member = bms_next_member(columns, member)) >= 0) {
    const int attribute = member + FirstLowInvalidHeapAttributeNumber;
    if (attribute == 0 || (attribute > 0 && !is_shown(policy, static_cast<AttrNumber>(attribute))))
      refuse_every_column(policy, name);
    if (attribute > 0) continue;
    refuse({Code::kColumnNotAllowListed, "column", psprintf("%s.ctid", name),
            "System columns are not allowed.", "Name the columns."});
  }
}

bool is_natural(Node* node) {
  check_stack_depth();
  if (IsA(node, JoinExpr)) {
    const auto* join = reinterpret_cast<JoinExpr*>(node);
    return join->isNatural || is_natural(join->larg) || is_natural(join->rarg);
  }
  if (!IsA(node, FromExpr)) return false;
  ListCell* cell;
  foreach (cell, reinterpret_cast<FromExpr*>(node)->fromlist) {
    if (is_natural(static_cast<Node*>(lfirst(cell)))) return true;
  }
  return false;
}

bool has_natural_join(const Query* query) {
  return query->jointree != nullptr && is_natural(reinterpret_cast<Node*>(query->jointree));
}

void check_relation(const Query* query, const RangeTblEntry* entry, Walk& walk) {
  if (++walk.relations > kMaxRelations)
    refuse_size(psprintf("It reads more than %d tables.", kMaxRelations));
  const char* name = get_rel_name(entry->relid);
  if (name == nullptr) refuse_table("?");
  const Bitmapset* columns = postgres::selected_columns(query, entry);
  const Policy* policy = find_policy(entry->relid);
  if (!is_open_to_agent(policy)) refuse_table(name);
  if (policy->kind == RelationKind::kGoverned) {
    check_access(policy, name, columns, postgres::required_permissions(query, entry), true);
  } else {
    check_crm_columns(policy, name, columns);
  }
  // Both go by all columns a table has.
  if (((entry->alias != nullptr && entry->alias->colnames != NIL) || has_natural_join(query)) &&
      has_hidden_columns(policy))
    refuse_every_column(policy, name);
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
      refuse(function_refusal(name_of(function->op)));
  }
}

void refuse_every_column(const Policy* policy, const char* name) {
  refuse({Code::kColumnNotAllowListed, "column", psprintf("%s.*", name),
          "SELECT *, NATURAL JOIN, a whole row and a list of column aliases take every column, and "
          "a name may also mean one that is not exposed.",
          psprintf("Name each column with its table: %s", describe_columns(policy, name))});
}

bool is_open_to_agent(const Policy* policy) {
  switch (policy->kind) {
    case RelationKind::kGoverned:
      return policy->is_exposed;
    case RelationKind::kCrm:
      return pg_class_aclcheck(policy->relation, GetUserId(), ACL_SELECT) == ACLCHECK_OK ||
             pg_attribute_aclcheck_all(policy->relation, GetUserId(), ACL_SELECT, ACLMASK_ANY) ==
                 ACLCHECK_OK;
    default:
      return false;
  }
}

void check_statement(Node* statement) {
  switch (nodeTag(statement)) {
    case T_InsertStmt:
    case T_UpdateStmt:
    case T_DeleteStmt:
    case T_MergeStmt:
      refuse_change();
    case T_SelectStmt:
      break;
    default:
      return check_utility(statement);
  }
  const auto* select = reinterpret_cast<SelectStmt*>(statement);
  while (select->op != SETOP_NONE) select = select->larg;
  if (select->intoClause == nullptr) return;
  auto* creation = makeNode(CreateTableAsStmt);
  creation->is_select_into = true;
  creation->objtype = OBJECT_TABLE;
  check_utility(reinterpret_cast<Node*>(creation));
}

void check_agent_query(const Query* query) {
  Walk walk{};
  check_query(query, walk);
  check_expansion(query);
}

List* check_single_statement(const char* source) {
  if (source == nullptr) return NIL;
  // Some of what follows can't be cancelled, and takes time with the text's length.
  if (std::strlen(source) > kMaxTextBytes)
    refuse_size(psprintf("Its text is longer than %d bytes.", kMaxTextBytes));
  List* statements = raw_parser(source, RAW_PARSE_DEFAULT);
  if (list_length(statements) <= 1) return statements;
  refuse({Code::kMultiStatement, "text", nullptr, "It has more than one statement.",
          "Send one SELECT at a time."});
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
  const char* hidden = first_hidden(policy, name, columns);
  if (hidden != nullptr && is_agent) refuse_every_column(policy, name);
  if (hidden != nullptr) {
    const bool is_star = hidden[std::strlen(hidden) - 1] == '*';
    refuse(
        {Code::kColumnNotAllowListed, "column", hidden,
         is_star
             ? "The whole row has columns that may be hidden."
             : "The data source does not expose it; SELECT * and NATURAL JOIN read every column.",
         psprintf("Name columns: %s", describe_columns(policy, name))});
  }
}

}  // namespace lakehouse::guard
