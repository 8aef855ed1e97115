// SPDX-License-Identifier: PostgreSQL
// One function per clause and per kind of node. What is not written here is not shippable: the two
// walks, this and shippable.cpp, have the same cases in the same order.
#include "extension/fdw/deparse.hpp"

#include "core/dialect/quote.hpp"
#include "core/dialect/shippable.hpp"
#include "extension/fdw/pattern.hpp"
#include "extension/postgres/compat.hpp"
#include "extension/postgres/text.hpp"

namespace lakehouse::fdw {
namespace {

using postgres::append;

constexpr char kQuote = '`';

struct Writer {
  const Shipper* shipper;
  StringInfoData buffer;
  RemoteStatement statement;
};

void write_expression(Writer& writer, Node* expression);

void write_identifier(StringInfo target, std::string_view name) {
  dialect::quote_identifier(name, kQuote, [&](std::string_view piece) { append(target, piece); });
}

void close_segment(Writer& writer) {
  writer.statement.segments =
      lappend(writer.statement.segments, makeString(pstrdup(writer.buffer.data)));
  resetStringInfo(&writer.buffer);
}

void write_parameter(Writer& writer, Node* expression, ParameterKind kind) {
  close_segment(writer);
  writer.statement.parameters = lappend(writer.statement.parameters, expression);
  writer.statement.kinds = lappend_int(writer.statement.kinds, static_cast<int>(kind));
}

void write_cast_target(StringInfo target, const Column& column, std::string_view type) {
  append(target, type);
  if (type == "DECIMAL" && column.decimal.precision > 0) {
    appendStringInfo(target, "(%d, %d)", column.decimal.precision, column.decimal.scale);
  } else if (type == "DECIMAL") {
    append(target, "(38, 18)");
  }
}

void write_projection(StringInfo target, const Column& column) {
  const dialect::Projection projection =
      dialect::projection_of(column.local, column.decimal, column.remote_type);
  dialect::expand_form(
      projection.outer, [&](std::string_view piece) { append(target, piece); },
      [&](int) {
        if (!projection.cast_to.empty()) append(target, "CAST(");
        write_identifier(target, column.remote_name);
        if (projection.cast_to.empty()) return;
        append(target, " AS ");
        write_cast_target(target, column, projection.cast_to);
        append(target, ")");
      });
}

void write_table(StringInfo target, const TableOptions& options) {
  if (options.catalog != nullptr) {
    write_identifier(target, options.catalog);
    append(target, ".");
  }
  if (options.schema != nullptr) {
    write_identifier(target, options.schema);
    append(target, ".");
  }
  write_identifier(target, options.table_name);
}

// The select list; at least one column, since a row without any can't travel.
List* write_select_list(StringInfo target, const Columns& columns, const Bitmapset* attributes) {
  const bool is_whole_row = bms_is_member(0 - FirstLowInvalidHeapAttributeNumber, attributes);
  List* retrieved = NIL;
  for (int attribute = 1; attribute <= columns.count; ++attribute) {
    if (columns.at(attribute).is_dropped) continue;
    if (!is_whole_row && !bms_is_member(attribute - FirstLowInvalidHeapAttributeNumber, attributes))
      continue;
    if (retrieved != NIL) append(target, ", ");
    write_projection(target, columns.at(attribute));
    retrieved = lappend_int(retrieved, attribute);
  }
  if (retrieved == NIL) append(target, "1");
  return retrieved;
}

void write_call(Writer& writer, Oid function, List* arguments) {
  const dialect::ShippableFunction* row = dialect::find_shippable(function);
  dialect::expand_form(
      row->databricks, [&](std::string_view piece) { append(&writer.buffer, piece); },
      [&](int number) {
        Node* argument = static_cast<Node*>(list_nth(arguments, number));
        if (row->condition == dialect::Condition::kLikePattern && number == 1) {
          argument = reinterpret_cast<Node*>(normalise_pattern(reinterpret_cast<Const*>(argument)));
        }
        write_expression(writer, argument);
      });
}

void write_joined(Writer& writer, List* expressions, std::string_view between) {
  append(&writer.buffer, "(");
  ListCell* cell;
  foreach (cell, expressions) {
    if (cell != list_head(expressions)) append(&writer.buffer, between);
    write_expression(writer, static_cast<Node*>(lfirst(cell)));
  }
  append(&writer.buffer, ")");
}

void write_boolean(Writer& writer, const BoolExpr* expression) {
  switch (expression->boolop) {
    case AND_EXPR:
      write_joined(writer, expression->args, " AND ");
      break;
    case OR_EXPR:
      write_joined(writer, expression->args, " OR ");
      break;
    case NOT_EXPR:
      append(&writer.buffer, "(NOT ");
      write_expression(writer, static_cast<Node*>(linitial(expression->args)));
      append(&writer.buffer, ")");
      break;
  }
}

// The elements of a constant array as constants.
List* expand_array(const Const* array) {
  ArrayType* values = DatumGetArrayTypeP(array->constvalue);
  const Oid element = ARR_ELEMTYPE(values);
  std::int16_t length = 0;
  bool is_by_value = false;
  char alignment = 0;
  get_typlenbyvalalign(element, &length, &is_by_value, &alignment);
  Datum* items = nullptr;
  bool* nulls = nullptr;
  int count = 0;
  deconstruct_array(values, element, length, is_by_value, alignment, &items, &nulls, &count);
  List* constants = NIL;
  for (int i = 0; i < count; ++i) {
    constants = lappend(constants, makeConst(element, -1, array->constcollid, length, items[i],
                                             nulls[i], is_by_value));
  }
  return constants;
}

void write_constant_list(Writer& writer, List* constants) {
  ListCell* cell;
  foreach (cell, constants) {
    if (cell != list_head(constants)) append(&writer.buffer, ", ");
    write_parameter(writer, static_cast<Node*>(lfirst(cell)), ParameterKind::kScalar);
  }
}

// x IN (list): FALSE if the list is empty, which IN () can't say; hence the second half, which
// decides just then.
void write_late_list(Writer& writer, const ScalarArrayOpExpr* expression, Node* array) {
  write_parameter(writer, array, ParameterKind::kList);
  append(&writer.buffer, expression->useOr ? ") AND " : ") OR ");
  write_parameter(writer, array,
                  expression->useOr ? ParameterKind::kListIsNotEmpty : ParameterKind::kListIsEmpty);
  append(&writer.buffer, ")");
}

void write_array_operation(Writer& writer, const ScalarArrayOpExpr* expression) {
  Node* array = static_cast<Node*>(lsecond(expression->args));
  const auto* constant = reinterpret_cast<Const*>(array);
  const bool is_constant = IsA(array, Const);
  if (is_constant && constant->constisnull) {
    append(&writer.buffer, "CAST(NULL AS BOOLEAN)");
    return;
  }
  List* constants = is_constant ? expand_array(constant) : NIL;
  if (is_constant && constants == NIL) {
    append(&writer.buffer, expression->useOr ? "FALSE" : "TRUE");
    return;
  }
  append(&writer.buffer, "(");
  write_expression(writer, static_cast<Node*>(linitial(expression->args)));
  append(&writer.buffer, expression->useOr ? " IN (" : " NOT IN (");
  if (!is_constant) {
    write_late_list(writer, expression, array);
    return;
  }
  write_constant_list(writer, constants);
  append(&writer.buffer, "))");
}

void write_null_test(Writer& writer, const NullTest* test) {
  append(&writer.buffer, "(");
  write_expression(writer, reinterpret_cast<Node*>(test->arg));
  append(&writer.buffer, test->nulltesttype == IS_NULL ? " IS NULL)" : " IS NOT NULL)");
}

void write_boolean_test(Writer& writer, const BooleanTest* test) {
  append(&writer.buffer, "(");
  write_expression(writer, reinterpret_cast<Node*>(test->arg));
  switch (test->booltesttype) {
    case IS_TRUE:
      append(&writer.buffer, " IS TRUE)");
      break;
    case IS_NOT_TRUE:
      append(&writer.buffer, " IS NOT TRUE)");
      break;
    case IS_FALSE:
      append(&writer.buffer, " IS FALSE)");
      break;
    case IS_NOT_FALSE:
      append(&writer.buffer, " IS NOT FALSE)");
      break;
    case IS_UNKNOWN:
      append(&writer.buffer, " IS NULL)");
      break;
    case IS_NOT_UNKNOWN:
      append(&writer.buffer, " IS NOT NULL)");
      break;
  }
}

void write_expression(Writer& writer, Node* expression) {
  if (is_parameter(*writer.shipper, expression)) {
    write_parameter(writer, expression, ParameterKind::kScalar);
    return;
  }
  switch (nodeTag(expression)) {
    case T_Var:
      write_identifier(&writer.buffer, writer.shipper->plan->columns
                                           .at(reinterpret_cast<Var*>(expression)->varattno)
                                           .remote_name);
      break;
    case T_OpExpr:
      write_call(writer, get_opcode(reinterpret_cast<OpExpr*>(expression)->opno),
                 reinterpret_cast<OpExpr*>(expression)->args);
      break;
    case T_FuncExpr:
      write_call(writer, reinterpret_cast<FuncExpr*>(expression)->funcid,
                 reinterpret_cast<FuncExpr*>(expression)->args);
      break;
    case T_ScalarArrayOpExpr:
      write_array_operation(writer, reinterpret_cast<ScalarArrayOpExpr*>(expression));
      break;
    case T_RelabelType:
      write_expression(writer,
                       reinterpret_cast<Node*>(reinterpret_cast<RelabelType*>(expression)->arg));
      break;
    case T_BoolExpr:
      write_boolean(writer, reinterpret_cast<BoolExpr*>(expression));
      break;
    case T_NullTest:
      write_null_test(writer, reinterpret_cast<NullTest*>(expression));
      break;
    case T_BooleanTest:
      write_boolean_test(writer, reinterpret_cast<BooleanTest*>(expression));
      break;
    default:
      elog(ERROR, "expression of kind %d was planned to be shipped",
           static_cast<int>(nodeTag(expression)));
  }
}

// The columns a block must hand on to the one around it.
Bitmapset* inner_attributes(const Writer& writer, const StatementParts& parts) {
  const Index relid = writer.shipper->relation->relid;
  Bitmapset* attributes = bms_copy(parts.attributes);
  pull_varattnos(reinterpret_cast<Node*>(parts.clauses), relid, &attributes);
  ListCell* cell;
  foreach (cell, parts.pathkeys) {
    const auto* key = static_cast<PathKey*>(lfirst(cell));
    pull_varattnos(reinterpret_cast<Node*>(find_remote_sort_expression(*writer.shipper, key)),
                   relid, &attributes);
  }
  return attributes;
}

void write_column_names(StringInfo target, const Columns& columns, const Bitmapset* attributes) {
  bool is_first = true;
  for (int attribute = 1; attribute <= columns.count; ++attribute) {
    if (columns.at(attribute).is_dropped ||
        !bms_is_member(attribute - FirstLowInvalidHeapAttributeNumber, attributes))
      continue;
    if (!is_first) append(target, ", ");
    write_identifier(target, columns.at(attribute).remote_name);
    is_first = false;
  }
  if (is_first) append(target, "1");
}

void write_where(Writer& writer, List* clauses) {
  ListCell* cell;
  foreach (cell, clauses) {
    append(&writer.buffer, cell == list_head(clauses) ? " WHERE " : " AND ");
    write_expression(writer, static_cast<Node*>(lfirst(cell)));
  }
}

// With a row filter the table is a block of its own: no condition of the user's meets a hidden row.
void write_source(Writer& writer, const StatementParts& parts) {
  if (parts.filter == NIL) {
    write_table(&writer.buffer, writer.shipper->plan->options);
    return;
  }
  append(&writer.buffer, "(SELECT ");
  write_column_names(&writer.buffer, writer.shipper->plan->columns,
                     inner_attributes(writer, parts));
  append(&writer.buffer, " FROM ");
  write_table(&writer.buffer, writer.shipper->plan->options);
  write_where(writer, parts.filter);
  append(&writer.buffer, ") AS visible");
}

// NULLs are placed explicitly: the engines' defaults differ.
void write_order(Writer& writer, List* pathkeys) {
  ListCell* cell;
  foreach (cell, pathkeys) {
    const auto* key = static_cast<PathKey*>(lfirst(cell));
    append(&writer.buffer, cell == list_head(pathkeys) ? " ORDER BY " : ", ");
    write_expression(writer,
                     reinterpret_cast<Node*>(find_remote_sort_expression(*writer.shipper, key)));
    append(&writer.buffer, postgres::is_descending(key) ? " DESC" : " ASC");
    append(&writer.buffer, key->pk_nulls_first ? " NULLS FIRST" : " NULLS LAST");
  }
}

void write_limit(Writer& writer) {
  const Query* query = writer.shipper->root->parse;
  if (query->limitCount != nullptr)
    write_parameter(writer, query->limitCount, ParameterKind::kLimit);
  if (query->limitOffset != nullptr)
    write_parameter(writer, query->limitOffset, ParameterKind::kOffset);
}

void describe_parameter(StringInfo target, Node* expression, ParameterKind kind, int number) {
  const bool is_row_count = kind == ParameterKind::kLimit || kind == ParameterKind::kOffset;
  if (!is_row_count) {
    appendStringInfo(target, ":p%d", number);
    return;
  }
  const auto* constant = reinterpret_cast<Const*>(expression);
  if (IsA(expression, Const) && constant->constisnull) return;
  append(target, kind == ParameterKind::kLimit ? " LIMIT " : " OFFSET ");
  if (IsA(expression, Const)) {
    appendStringInfo(target, INT64_FORMAT, DatumGetInt64(constant->constvalue));
  } else {
    appendStringInfo(target, ":p%d", number);
  }
}

}  // namespace

RemoteStatement deparse_select(const Shipper& shipper, const StatementParts& parts) {
  Writer writer{};
  writer.shipper = &shipper;
  initStringInfo(&writer.buffer);
  append(&writer.buffer, "SELECT ");
  writer.statement.retrieved =
      write_select_list(&writer.buffer, shipper.plan->columns, parts.attributes);
  append(&writer.buffer, " FROM ");
  write_source(writer, parts);
  write_where(writer, parts.clauses);
  write_order(writer, parts.pathkeys);
  if (parts.has_limit) write_limit(writer);
  close_segment(writer);
  return writer.statement;
}

char* deparse_count(const TableOptions& options) {
  StringInfoData buffer;
  initStringInfo(&buffer);
  append(&buffer, "SELECT count(*) FROM ");
  write_table(&buffer, options);
  return buffer.data;
}

char* deparse_sample(const TableOptions& options, const Columns& columns,
                     const Bitmapset* attributes, double percent, List** retrieved) {
  StringInfoData buffer;
  initStringInfo(&buffer);
  append(&buffer, "SELECT ");
  *retrieved = write_select_list(&buffer, columns, attributes);
  append(&buffer, " FROM ");
  write_table(&buffer, options);
  if (percent < 100.0) appendStringInfo(&buffer, " TABLESAMPLE (%.6f PERCENT)", percent);
  return buffer.data;
}

char* describe_statement(List* segments, List* parameters, List* kinds) {
  StringInfoData buffer;
  initStringInfo(&buffer);
  for (int i = 0; i < list_length(segments); ++i) {
    append(&buffer, strVal(list_nth(segments, i)));
    if (i == list_length(parameters)) break;
    describe_parameter(&buffer, static_cast<Node*>(list_nth(parameters, i)),
                       static_cast<ParameterKind>(list_nth_int(kinds, i)), i + 1);
  }
  return buffer.data;
}

}  // namespace lakehouse::fdw
