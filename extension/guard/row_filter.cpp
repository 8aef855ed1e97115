// SPDX-License-Identifier: PostgreSQL
// Row filters: one condition, read with the parser's own rules for policies, and of such a kind
// that the warehouse evaluates it. A filter computed here would first bring the hidden rows here.
#include "extension/fdw/shippable.hpp"
#include "extension/guard/policy.hpp"

namespace lakehouse::guard {
namespace {

[[noreturn]] void refuse_filter(const char* detail) {
  ereport(ERROR, (errcode(ERRCODE_SYNTAX_ERROR), errmsg("row filter is not a condition"),
                  errdetail("%s", detail),
                  errhint("Write what could stand after WHERE, for example: region = 'EU'.")));
}

// The parser's mode for expressions takes whole select lists; a filter is one expression of it.
Node* sole_expression(const char* text) {
  List* statements = raw_parser(text, RAW_PARSE_PLPGSQL_EXPR);
  const auto* statement = reinterpret_cast<SelectStmt*>(linitial_node(RawStmt, statements)->stmt);
  const bool is_plain = IsA(statement, SelectStmt) && list_length(statement->targetList) == 1 &&
                        statement->distinctClause == NIL && statement->fromClause == NIL &&
                        statement->whereClause == nullptr && statement->groupClause == NIL &&
                        statement->havingClause == nullptr && statement->windowClause == NIL &&
                        statement->sortClause == NIL && statement->limitCount == nullptr &&
                        statement->limitOffset == nullptr && statement->lockingClause == NIL;
  if (!is_plain) refuse_filter("It is more than one expression.");
  const auto* target = linitial_node(ResTarget, statement->targetList);
  if (target->name != nullptr) refuse_filter("It has a column name.");
  return target->val;
}

List* shippable_parts(Relation relation, Node* condition) {
  RelOptInfo reloptinfo{};
  reloptinfo.relids = bms_make_singleton(1);
  fdw::RelationPlan plan{};
  plan.columns = fdw::read_columns(relation);
  const fdw::Shipper shipper{nullptr, &reloptinfo, &plan, nullptr};
  List* parts =
      make_ands_implicit(reinterpret_cast<Expr*>(eval_const_expressions(nullptr, condition)));
  ListCell* cell;
  foreach (cell, parts) {
    const char* reason = fdw::reason_to_keep_local(shipper, static_cast<Node*>(lfirst(cell)));
    if (reason == nullptr) continue;
    ereport(ERROR,
            (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
             errmsg("row filter can't be evaluated by the warehouse"),
             errdetail("Not possible there: %s.", reason),
             errhint("lakehouse.list_shippable_functions() lists what a row filter can use.")));
  }
  return parts;
}

}  // namespace

List* parse_row_filter(Relation relation, const char* text) {
  ParseState* state = make_parsestate(nullptr);
  state->p_sourcetext = text;
  ParseNamespaceItem* item =
      addRangeTableEntryForRelation(state, relation, AccessShareLock, nullptr, false, true);
  addNSItemToQuery(state, item, false, true, true);
  Node* condition =
      transformWhereClause(state, static_cast<Node*>(copyObjectImpl(sole_expression(text))),
                           EXPR_KIND_POLICY, "row filter");
  assign_expr_collations(state, condition);
  if (state->p_hasSubLinks) refuse_filter("It has a sub-select.");
  List* parts = shippable_parts(relation, condition);
  free_parsestate(state);
  return parts;
}

ArrayType* number_filter_columns(List* filter) {
  List* columns = pull_var_clause(reinterpret_cast<Node*>(filter), 0);
  auto* numbers =
      static_cast<Datum*>(palloc(sizeof(Datum) * static_cast<Size>(list_length(columns) + 1)));
  int count = 0;
  ListCell* cell;
  foreach (cell, columns) {
    numbers[count++] = Int16GetDatum(reinterpret_cast<Var*>(lfirst(cell))->varattno);
  }
  return construct_array(numbers, count, INT2OID, 2, true, TYPALIGN_SHORT);
}

}  // namespace lakehouse::guard
