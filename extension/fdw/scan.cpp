// SPDX-License-Identifier: PostgreSQL
// A scan's life: begin (nothing is sent yet), first row (bind parameters, open), rows, rescan, end.
#include "extension/fdw/scan.hpp"

#include <cstring>
#include <string>

#include "extension/border/border.hpp"
#include "extension/fdw/option.hpp"
#include "extension/fdw/parameter.hpp"
#include "extension/fdw/plan.hpp"
#include "extension/fdw/row_stream.hpp"
#include "extension/guard/guard.hpp"
#include "extension/settings.hpp"

namespace lakehouse::fdw {
namespace {

// palloc'd with the executor's state; the stream in it is destroyed by that context's reset,
// whatever ends the query.
struct Scan {
  RowStream* stream;
  TableOptions options;
  List* segments;       // of String
  List* expressions;    // of Expr, to know constants by
  List* kinds;          // of int
  List* states;         // of ExprState
  MemoryContext bound;  // reset at each start: holds bound parameters
  bool is_started;
};

Scan* scan_of(const ForeignScanState* state) { return static_cast<Scan*>(state->fdw_state); }

// One parameter as it will be sent.
struct Binding {
  Parameter parameter;
};

// The statement of one start: text with markers, and what they stand for. palloc'd in Scan::bound.
struct BoundStatement {
  StringInfoData text;
  List* bindings;  // of Binding*
  std::int64_t row_bound;
};

void bind_value(BoundStatement& statement, const Parameter& parameter) {
  auto* binding = static_cast<Binding*>(palloc(sizeof(Binding)));
  binding->parameter = parameter;
  statement.bindings = lappend(statement.bindings, binding);
  appendStringInfo(&statement.text, ":p%d", list_length(statement.bindings));
}

// Elements of an array that the plan did not know; the array is NULL, or its type's elements are
// unpacked.
struct Elements {
  Oid type;
  Datum* items;
  bool* nulls;
  int count;
};

Elements unpack(Oid array_type, Datum value, bool is_null) {
  Elements elements{get_element_type(array_type), nullptr, nullptr, 0};
  if (is_null) return elements;
  std::int16_t length = 0;
  bool is_by_value = false;
  char alignment = 0;
  get_typlenbyvalalign(elements.type, &length, &is_by_value, &alignment);
  deconstruct_array(DatumGetArrayTypeP(value), elements.type, length, is_by_value, alignment,
                    &elements.items, &elements.nulls, &elements.count);
  return elements;
}

void bind_list(BoundStatement& statement, const Elements& elements) {
  if (elements.count == 0) appendStringInfoString(&statement.text, "NULL");
  for (int i = 0; i < elements.count; ++i) {
    if (i > 0) appendStringInfoString(&statement.text, ", ");
    bind_value(statement,
               make_parameter(elements.type, elements.items[i], elements.nulls[i], false));
  }
}

void bind_row_count(BoundStatement& statement, ParameterKind kind, Datum value, bool is_null) {
  if (is_null) return;  // LIMIT NULL is no limit
  const std::int64_t count = DatumGetInt64(value);
  const bool is_limit = kind == ParameterKind::kLimit;
  if (count < 0) {
    ereport(ERROR, (errcode(is_limit ? ERRCODE_INVALID_ROW_COUNT_IN_LIMIT_CLAUSE
                                     : ERRCODE_INVALID_ROW_COUNT_IN_RESULT_OFFSET_CLAUSE),
                    errmsg("%s must not be negative", is_limit ? "LIMIT" : "OFFSET")));
  }
  if (count > PG_INT32_MAX) {  // Databricks takes an INT there
    ereport(ERROR,
            (errcode(ERRCODE_FDW_INVALID_ATTRIBUTE_VALUE),
             errmsg("%s is too large for the warehouse", is_limit ? "LIMIT" : "OFFSET"),
             errhint("Use at most %d, or set lakehouse.enable_pushdown to off.", PG_INT32_MAX)));
  }
  appendStringInfo(&statement.text, " %s " INT64_FORMAT, is_limit ? "LIMIT" : "OFFSET", count);
  if (is_limit) statement.row_bound = count;
}

void bind_one(BoundStatement& statement, Node* expression, ParameterKind kind, Datum value,
              bool is_null) {
  const Oid type = exprType(expression);
  switch (kind) {
    case ParameterKind::kScalar:
      bind_value(statement, make_parameter(type, value, is_null, IsA(expression, Const)));
      break;
    case ParameterKind::kList:
      bind_list(statement, unpack(type, value, is_null));
      break;
    case ParameterKind::kListIsEmpty:
    case ParameterKind::kListIsNotEmpty: {
      const bool is_empty = !is_null && unpack(type, value, is_null).count == 0;
      appendStringInfoString(&statement.text,
                             is_empty == (kind == ParameterKind::kListIsEmpty) ? "TRUE" : "FALSE");
      break;
    }
    case ParameterKind::kLimit:
    case ParameterKind::kOffset:
      bind_row_count(statement, kind, value, is_null);
      break;
  }
}

// Evaluates every parameter now, in the plain regime.
void bind_all(ForeignScanState* state, const Scan* scan, BoundStatement& statement) {
  ExprContext* context = state->ss.ps.ps_ExprContext;
  initStringInfo(&statement.text);
  for (int i = 0; i < list_length(scan->segments); ++i) {
    appendStringInfoString(&statement.text, strVal(list_nth(scan->segments, i)));
    if (i == list_length(scan->states)) break;
    bool is_null = false;
    const Datum value =
        ExecEvalExpr(static_cast<ExprState*>(list_nth(scan->states, i)), context, &is_null);
    bind_one(statement, static_cast<Node*>(list_nth(scan->expressions, i)),
             static_cast<ParameterKind>(list_nth_int(scan->kinds, i)), value, is_null);
  }
  statement.text.data = pg_server_to_any(statement.text.data, statement.text.len, PG_UTF8);
}

wire::OpenScan make_request(const Scan* scan, const BoundStatement& statement) {
  wire::OpenScan request;
  request.connection_id = scan->options.connection;
  request.statement = statement.text.data;
  request.window_bytes = scan->options.fetch_window_bytes;
  request.row_bound = static_cast<std::uint64_t>(statement.row_bound);
  for (int i = 0; i < list_length(statement.bindings); ++i) {
    const Parameter& parameter = static_cast<Binding*>(list_nth(statement.bindings, i))->parameter;
    const bool is_null = parameter.value == nullptr;
    request.parameters.push_back(
        {"p" + std::to_string(i + 1), parameter.type, is_null, is_null ? "" : parameter.value});
  }
  return request;
}

void start(ForeignScanState* state, Scan* scan) {
  settings::require_warehouse_integration();
  MemoryContextReset(scan->bound);
  MemoryContext caller = MemoryContextSwitchTo(scan->bound);
  BoundStatement statement{};
  bind_all(state, scan, statement);
  MemoryContextSwitchTo(caller);
  border::serve([&] { scan->stream->open(make_request(scan, statement)); });
  scan->is_started = true;
}

void require_guard() {
  if (guard::is_in_force()) return;
  ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                  errmsg("lakehouse was not loaded with the server"),
                  errdetail("Without that its guard may have missed statements of this session."),
                  errhint("Set \"shared_preload_libraries = 'lakehouse'\" in postgresql.conf and "
                          "restart the server.")));
}

bool advance(RowStream* stream) {
  return border::serve([&] { return stream->advance(); });
}

}  // namespace

void begin_scan(ForeignScanState* state, int executor_flags) {
  const auto* plan = reinterpret_cast<ForeignScan*>(state->ss.ps.plan);
  auto* scan = static_cast<Scan*>(palloc0(sizeof(Scan)));
  state->fdw_state = scan;
  scan->segments = plan_item(plan, PlanItem::kSegments);
  scan->kinds = plan_item(plan, PlanItem::kKinds);
  scan->expressions = plan->fdw_exprs;
  if ((executor_flags & EXEC_FLAG_EXPLAIN_ONLY) != 0) return;
  require_guard();
  scan->options = read_table_options(RelationGetRelid(state->ss.ss_currentRelation));
  scan->states = ExecInitExprList(plan->fdw_exprs, &state->ss.ps);
  scan->bound =
      AllocSetContextCreate(CurrentMemoryContext, "lakehouse parameters", ALLOCSET_SMALL_SIZES);
  const Columns columns = read_columns(state->ss.ss_currentRelation);
  MemoryContext owner = CurrentMemoryContext;
  scan->stream = border::serve([&] {
    RowStream* stream = RowStream::create(owner);
    stream->set_columns(columns, plan_item(plan, PlanItem::kRetrieved));
    return stream;
  });
}

TupleTableSlot* next_row(ForeignScanState* state) {
  Scan* scan = scan_of(state);
  TupleTableSlot* slot = state->ss.ss_ScanTupleSlot;
  ExecClearTuple(slot);
  if (!scan->stream->has_row()) {
    if (!scan->is_started) start(state, scan);
    if (!advance(scan->stream)) return slot;
  }
  if (slot->tts_tupleDescriptor->natts > 0) {
    std::memset(slot->tts_isnull, 1,
                sizeof(bool) * static_cast<std::size_t>(slot->tts_tupleDescriptor->natts));
  }
  scan->stream->fill(slot->tts_values, slot->tts_isnull);
  return ExecStoreVirtualTuple(slot);
}

void rescan(ForeignScanState* state) {
  Scan* scan = scan_of(state);
  if (!scan->is_started) return;
  scan->stream->close();
  scan->is_started = false;
}

void end_scan(ForeignScanState* state) {
  Scan* scan = scan_of(state);
  if (scan != nullptr && scan->stream != nullptr) scan->stream->close();
}

ScanReport report_of(const ForeignScanState* state) {
  const Scan* scan = scan_of(state);
  if (scan == nullptr || scan->stream == nullptr || scan->stream->started().query_id.empty())
    return {};
  const wire::ScanEnded& ended = scan->stream->ended();
  return {scan->stream->started().query_id.c_str(),
          static_cast<double>(ended.remote_time_us) / 1000.0, ended.bytes_received, ended.chunks};
}

}  // namespace lakehouse::fdw
