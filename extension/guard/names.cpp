// SPDX-License-Identifier: PostgreSQL
// Walks the parser's tree. A table's name may mean a WITH query: those in scope are carried along.
#include "extension/guard/names.hpp"

#include <cstring>

#include "extension/guard/allow_list.hpp"
#include "extension/guard/check.hpp"
#include "extension/guard/columns.hpp"
#include "extension/guard/policy.hpp"
#include "extension/guard/refusal.hpp"
#include "extension/postgres/compat.hpp"

namespace lakehouse::guard {
namespace {

struct Walk {
  List* with;  // String: WITH queries in scope
  NamedTables tables;
};

bool visit(Node* node, void* argument);

char* last_of(List* names) { return strVal(llast(names)); }

// Agents have no business in other schemas; nor is it said which of them there are.
bool is_system_name(List* names) {
  return list_length(names) == 1 ||
         (list_length(names) == 2 && std::strcmp(strVal(linitial(names)), "pg_catalog") == 0);
}

bool is_type(TypeName* name) {
  Type type = LookupTypeName(nullptr, name, nullptr, true);
  if (type == nullptr) return false;
  const Oid found = typeTypeId(type);
  ReleaseSysCache(type);
  return is_constant_type_allowed(found);
}

void check_type_name(TypeName* name) {
  if (OidIsValid(name->typeOid)) return;
  if (!is_system_name(name->names) || !is_type(name)) refuse(type_refusal(last_of(name->names)));
}

void check_function_name(List* names) {
  if (is_system_name(names)) {
    FuncCandidateList found = FuncnameGetCandidates(names, -1, NIL, false, false, false, true);
    for (; found != nullptr; found = found->next) {
      if (is_function_allowed(found->oid)) return;
    }
    if (is_type(makeTypeNameFromNameList(names))) return;  // a cast, written as a call
  }
  refuse(function_refusal(last_of(names)));
}

void check_operator_name(List* names) {
  if (names == NIL) return;
  if (is_system_name(names)) {
    FuncCandidateList found = OpernameGetCandidates(names, '\0', true);
    for (; found != nullptr; found = found->next) {
      if (is_function_allowed(get_opcode(found->oid))) return;
    }
  }
  refuse(operator_refusal(last_of(names)));
}

void check_expression(const A_Expr* expression) {
  // The others' names are keywords.
  if (expression->kind < AEXPR_BETWEEN) check_operator_name(expression->name);
}

void check_collation(List* names) {
  const Oid collation = is_system_name(names) ? get_collation_oid(names, true) : InvalidOid;
  if (!OidIsValid(collation) || collation >= FirstNormalObjectId)
    refuse(collation_refusal(last_of(names)));
}

bool is_with_query(const RangeVar* table, List* with) {
  ListCell* cell;
  foreach (cell, with) {
    if (table->schemaname == nullptr && std::strcmp(strVal(lfirst(cell)), table->relname) == 0)
      return true;
  }
  return false;
}

// Never raises, and waits for no lock: an error may be on its way.
Oid find_table(const RangeVar* table) {
  Oid relation = InvalidOid;
  if (table->schemaname == nullptr) {
    relation = RelnameGetRelid(table->relname);
  } else {
    const Oid schema = get_namespace_oid(table->schemaname, true);
    if (!OidIsValid(schema) || !postgres::may_use_schema(schema)) return InvalidOid;
    relation = get_relname_relid(table->relname, schema);
  }
  const bool is_ours =
      OidIsValid(relation) && ConditionalLockRelationOid(relation, AccessShareLock);
  return is_ours && get_rel_name(relation) != nullptr ? relation : InvalidOid;
}

void check_table(RangeVar* table, Walk& walk) {
  if (is_with_query(table, walk.with)) return;
  const Oid relation = find_table(table);
  if (!OidIsValid(relation)) refuse_table(table->relname);
  const Policy* policy = find_policy(relation);
  if (!is_open_to_agent(policy)) refuse_table(table->relname);
  if (has_hidden_columns(policy)) walk.tables.hiding = lappend(walk.tables.hiding, table);
  const char* columns = describe_columns(policy, table->relname);
  if (std::strstr(walk.tables.hint.data, columns) != nullptr) return;
  appendStringInfo(&walk.tables.hint, "%s%s", walk.tables.hint.len > 0 ? " " : "", columns);
}

void check_join(const JoinExpr* join, const Walk& walk) {
  if (!join->isNatural || walk.tables.hiding == NIL) return;
  const auto* table = static_cast<RangeVar*>(linitial(walk.tables.hiding));
  refuse_every_column(find_policy(find_table(table)), table->relname);
}

void check_with(const WithClause* clause, Walk& walk) {
  if (clause->recursive) refuse_recursion();
  ListCell* cell;
  foreach (cell, clause->ctes) {
    const auto* query = static_cast<CommonTableExpr*>(lfirst(cell));
    (void)visit(query->ctequery, &walk);
    walk.with = lappend(list_copy(walk.with), makeString(query->ctename));
  }
}

void check_select(SelectStmt* select, Walk& walk) {
  List* outer = walk.with;
  WithClause* clause = select->withClause;
  if (clause != nullptr) check_with(clause, walk);
  select->withClause = nullptr;  // done
  (void)postgres::walk_raw(reinterpret_cast<Node*>(select), visit, &walk);
  select->withClause = clause;
  walk.with = outer;
}

bool visit(Node* node, void* argument) {
  if (node == nullptr) return false;
  check_stack_depth();
  auto& walk = *static_cast<Walk*>(argument);
  switch (nodeTag(node)) {
    case T_SelectStmt:
      check_select(reinterpret_cast<SelectStmt*>(node), walk);
      return false;
    case T_InsertStmt:
    case T_UpdateStmt:
    case T_DeleteStmt:
    case T_MergeStmt:
      refuse_change();
    case T_RangeTableSample:
      refuse_construct("TABLESAMPLE");
    case T_RangeTableFunc:
      refuse_construct("XMLTABLE");
    case T_XmlExpr:
    case T_XmlSerialize:
      refuse_construct("XML");
    case T_RangeVar:
      check_table(reinterpret_cast<RangeVar*>(node), walk);
      break;
    case T_FuncCall:
      check_function_name(reinterpret_cast<FuncCall*>(node)->funcname);
      break;
    case T_SQLValueFunction:
      check_value_function(reinterpret_cast<SQLValueFunction*>(node));
      break;
    case T_A_Expr:
      check_expression(reinterpret_cast<A_Expr*>(node));
      break;
    case T_SubLink:
      check_operator_name(reinterpret_cast<SubLink*>(node)->operName);
      break;
    case T_SortBy:
      check_operator_name(reinterpret_cast<SortBy*>(node)->useOp);
      break;
    case T_TypeName:
      check_type_name(reinterpret_cast<TypeName*>(node));
      break;
    case T_CollateClause:
      check_collation(reinterpret_cast<CollateClause*>(node)->collname);
      break;
    default:
      break;
  }
  (void)postgres::walk_raw(node, visit, argument);
  if (IsA(node, JoinExpr)) check_join(reinterpret_cast<JoinExpr*>(node), walk);
  return false;
}

SelectStmt* select_shown(const RangeVar* table) {
  auto* select = makeNode(SelectStmt);
  auto* source = static_cast<RangeVar*>(copyObjectImpl(table));
  source->alias = nullptr;
  select->fromClause = list_make1(source);
  ListCell* cell;
  foreach (cell, shown_columns(find_policy(find_table(table)))) {
    auto* column = makeNode(ColumnRef);
    column->fields = list_make1(lfirst(cell));
    column->location = -1;
    auto* target = makeNode(ResTarget);
    target->val = reinterpret_cast<Node*>(column);
    target->location = -1;
    select->targetList = lappend(select->targetList, target);
  }
  return select;
}

Node* shown(void* node, const NamedTables& tables) {
  if (!list_member_ptr(tables.hiding, node)) return static_cast<Node*>(node);
  const auto* table = static_cast<RangeVar*>(node);
  auto* stand_in = makeNode(RangeSubselect);
  stand_in->subquery = reinterpret_cast<Node*>(select_shown(table));
  stand_in->alias = table->alias != nullptr ? table->alias : makeAlias(table->relname, NIL);
  return reinterpret_cast<Node*>(stand_in);
}

// `schema.table.column` would not find what stands in for the table.
void drop_schema(ColumnRef* column, const NamedTables& tables) {
  const int count = list_length(column->fields);
  if (count < 3 || !IsA(list_nth(column->fields, count - 2), String)) return;
  ListCell* cell;
  foreach (cell, tables.hiding) {
    const auto* table = static_cast<RangeVar*>(lfirst(cell));
    if (table->alias == nullptr && table->schemaname != nullptr &&
        std::strcmp(table->schemaname, strVal(list_nth(column->fields, count - 3))) == 0 &&
        std::strcmp(table->relname, strVal(list_nth(column->fields, count - 2))) == 0) {
      column->fields = list_copy_tail(column->fields, count - 2);
      return;
    }
  }
}

bool hide(Node* node, void* argument) {
  if (node == nullptr) return false;
  check_stack_depth();
  const auto& tables = *static_cast<const NamedTables*>(argument);
  if (IsA(node, SelectStmt)) {
    ListCell* cell;
    foreach (cell, reinterpret_cast<SelectStmt*>(node)->fromClause)
      lfirst(cell) = shown(lfirst(cell), tables);
  } else if (IsA(node, JoinExpr)) {
    auto* join = reinterpret_cast<JoinExpr*>(node);
    join->larg = shown(join->larg, tables);
    join->rarg = shown(join->rarg, tables);
  } else if (IsA(node, ColumnRef)) {
    drop_schema(reinterpret_cast<ColumnRef*>(node), tables);
  }
  return postgres::walk_raw(node, hide, argument);
}

struct Place {
  int offset;  // in bytes
  Named found;
};

bool find(Node* node, void* argument) {
  if (node == nullptr) return false;
  check_stack_depth();
  auto* place = static_cast<Place*>(argument);
  const NodeTag kind = nodeTag(node);
  List* names = NIL;
  int location = -1;
  if (kind == T_ColumnRef) {
    names = reinterpret_cast<ColumnRef*>(node)->fields;
    location = reinterpret_cast<ColumnRef*>(node)->location;
  } else if (kind == T_FuncCall) {
    names = reinterpret_cast<FuncCall*>(node)->funcname;
    location = reinterpret_cast<FuncCall*>(node)->location;
  } else if (kind == T_A_Expr) {
    names = reinterpret_cast<A_Expr*>(node)->name;
    location = reinterpret_cast<A_Expr*>(node)->location;
  }
  if (location == place->offset) {
    place->found = {kind, kind == T_ColumnRef ? NameListToString(names) : last_of(names)};
    return true;
  }
  return postgres::walk_raw(node, find, argument);
}

}  // namespace

NamedTables check_names(RawStmt* statement) {
  Walk walk{};
  initStringInfo(&walk.tables.hint);
  (void)visit(statement->stmt, &walk);
  return walk.tables;
}

void hide_columns(RawStmt* statement, const NamedTables& tables) {
  (void)hide(statement->stmt, const_cast<NamedTables*>(&tables));
}

Named name_at(RawStmt* statement, const char* text, int cursor) {
  if (cursor <= 0) return {T_Invalid, nullptr};
  const int offset = pg_mbcharcliplen(text, static_cast<int>(std::strlen(text)), cursor - 1);
  Place place{offset, {T_Invalid, nullptr}};
  (void)find(statement->stmt, &place);
  return place.found;
}

}  // namespace lakehouse::guard
