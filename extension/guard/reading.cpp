// SPDX-License-Identifier: PostgreSQL
// The server's own analysis does the work, on a tree in which tables have no hidden columns.
#include "extension/guard/reading.hpp"

#include <cstring>

#include "extension/border/border.hpp"
#include "extension/guard/check.hpp"
#include "extension/guard/names.hpp"
#include "extension/guard/refusal.hpp"

namespace lakehouse::guard {
namespace {

struct Reading {
  const char* text;
  RawStmt* statement;  // nullptr: its names have not passed
  NamedTables tables;
  ErrorData* error;
};

// Like parse_analyze_varparams(), without the hooks.
Query* analyse(RawStmt* statement, const char* text) {
  ParseState* state = make_parsestate(nullptr);
  Oid* types = nullptr;
  int count = 0;
  state->p_sourcetext = text;
  setup_parse_variable_parameters(state, &types, &count);
  Query* query = transformTopLevelStmt(state, statement);
  free_parsestate(state);
  return query;
}

void read(void* argument) {
  auto* reading = static_cast<Reading*>(argument);
  List* statements = check_single_statement(reading->text);
  if (statements == NIL) return;
  auto* statement = linitial_node(RawStmt, statements);
  check_statement(statement->stmt);
  if (!IsA(statement->stmt, SelectStmt)) return;
  reading->tables = check_names(statement);
  hide_columns(statement, reading->tables);
  // The analysis leaves its marks in the tree.
  reading->statement = static_cast<RawStmt*>(copyObjectImpl(statement));
  check_agent_query(analyse(statement, reading->text));
}

// What the server would add is about columns that are shown, and helps.
char* column_hint(const ErrorData* error, const Reading& reading) {
  StringInfoData hint;
  initStringInfo(&hint);
  if (error->detail != nullptr) appendStringInfo(&hint, "%s ", error->detail);
  if (error->hint != nullptr) appendStringInfo(&hint, "%s ", error->hint);
  appendStringInfoString(&hint, reading.tables.hint.len > 0 ? reading.tables.hint.data
                                                            : "Name columns that are there.");
  return hint.data;
}

// The last thing in quotation marks, as `column "x" does not exist` has it.
char* quoted_in(const char* message) {
  const char* begin = std::strchr(message, '"');
  const char* end = begin != nullptr ? std::strchr(begin + 1, '"') : nullptr;
  return end != nullptr ? pnstrdup(begin + 1, static_cast<Size>(end - begin - 1)) : nullptr;
}

// Tables and types are known by now, and so is who may use them: what is left is in a constant.
bool is_of_constant(int sqlstate) {
  return sqlstate == ERRCODE_UNDEFINED_OBJECT || sqlstate == ERRCODE_INVALID_SCHEMA_NAME ||
         sqlstate == ERRCODE_INSUFFICIENT_PRIVILEGE;
}

// A missing thing's error, told as a denied one's is.
void tell_as_refusal(void* argument) {
  const auto& reading = *static_cast<Reading*>(argument);
  ErrorData* error = reading.error;
  Code code{};
  if (find_code(error, code)) return;
  const Named named = name_at(reading.statement, reading.text, error->cursorpos);
  if (error->sqlerrcode == ERRCODE_UNDEFINED_COLUMN) {
    const char* name = named.kind == T_ColumnRef ? named.name : quoted_in(error->message);
    replace(error, column_refusal(name, column_hint(error, reading)));
  } else if (error->sqlerrcode == ERRCODE_UNDEFINED_FUNCTION && named.kind == T_FuncCall) {
    replace(error, function_refusal(named.name));
  } else if (error->sqlerrcode == ERRCODE_UNDEFINED_FUNCTION && named.kind == T_A_Expr) {
    replace(error, operator_refusal(named.name));
  } else if (is_of_constant(error->sqlerrcode)) {
    replace(error, type_refusal("regconfig"));
  }
}

}  // namespace

ErrorData* read_again(const char* text) {
  Reading reading{text, nullptr, {}, nullptr};
  ++trial_depth;
  reading.error = border::run_guarded(read, &reading);
  --trial_depth;
  if (reading.error == nullptr || reading.statement == nullptr) return reading.error;
  ErrorData* second = border::run_guarded(tell_as_refusal, &reading);
  return second != nullptr ? second : reading.error;
}

void replace(ErrorData* error, const Refusal& refusal) {
  error->sqlerrcode = facts_of(refusal.code).sqlstate;
  error->message = message_of(refusal);
  error->message_id = error->message;
  error->detail = pstrdup(refusal.rule);
  error->hint = pstrdup(refusal.hint);
  error->cursorpos = 0;
}

}  // namespace lakehouse::guard
