// SPDX-License-Identifier: PostgreSQL
// A guarded execution has a record, kept with the executor's state: its meter, looked up by query.
// The plan is checked when it starts and again at each run, since a cursor may be fetched from much
// later.
#include "extension/guard/executor.hpp"

#include "extension/border/border.hpp"
#include "extension/fdw/scan.hpp"
#include "extension/guard/audit.hpp"
#include "extension/guard/counters.hpp"
#include "extension/guard/identity.hpp"
#include "extension/guard/limits.hpp"
#include "extension/guard/meter.hpp"
#include "extension/guard/policy.hpp"
#include "extension/guard/stamp.hpp"
#include "extension/guard/tool.hpp"
#include "extension/postgres/compat.hpp"
#include "extension/settings.hpp"

namespace lakehouse::guard {
namespace {

// Process-wide by nature, as hooks are.
ExecutorStart_hook_type previous_start;
ExecutorRun_hook_type previous_run;
ExecutorEnd_hook_type previous_end;

struct Execution {
  const QueryDesc* query;
  Meter meter;
  AuditTrail* trail;  // nullptr: no tenant's business
  Execution* next;
};
Execution* executions;

void forget(void* argument) {
  for (Execution** link = &executions; *link != nullptr; link = &(*link)->next) {
    if (*link != argument) continue;
    const Execution* execution = *link;
    *link = execution->next;
    // Still open here: the transaction failed elsewhere.
    audit_failure(execution->trail, {execution->meter.rows, execution->meter.bytes, NIL}, 0);
    return;
  }
}

Execution* find_execution(const QueryDesc* query) {
  for (Execution* execution = executions; execution != nullptr; execution = execution->next) {
    if (execution->query == query) return execution;
  }
  return nullptr;
}

std::int64_t smaller_cap(std::int64_t first, std::int64_t second) {
  if (first == 0 || second == 0) return first + second;
  return first < second ? first : second;
}

// Of all tables the query reads the smallest caps; an agent's end at the settings' ceiling.
Meter caps_of(const List* relations, bool is_agent) {
  Meter meter{};
  ListCell* cell;
  foreach (cell, relations) {
    const Policy* policy = find_policy(lfirst_oid(cell));
    meter.max_bytes = smaller_cap(meter.max_bytes, policy->max_bytes);
    if (is_agent) meter.max_rows = smaller_cap(meter.max_rows, policy->max_rows);
  }
  if (!is_agent) return meter;
  meter.max_rows = smaller_cap(meter.max_rows, settings::max_rows);
  meter.max_bytes =
      smaller_cap(meter.max_bytes, static_cast<std::int64_t>(settings::max_kilobytes) * 1024);
  return meter;
}

void add_execution(const QueryDesc* query, const Meter& meter, AuditTrail* trail) {
  MemoryContext memory = query->estate->es_query_cxt;
  auto* execution = static_cast<Execution*>(MemoryContextAllocZero(memory, sizeof(Execution)));
  auto* callback = static_cast<MemoryContextCallback*>(
      MemoryContextAllocZero(memory, sizeof(MemoryContextCallback)));
  *execution = {query, meter, trail, executions};
  executions = execution;
  callback->func = forget;
  callback->arg = execution;
  MemoryContextRegisterResetCallback(memory, callback);
}

void start_next(QueryDesc* query, int flags) {
  if (previous_start != nullptr) {
    previous_start(query, flags);
  } else {
    standard_ExecutorStart(query, flags);
  }
}

struct Start {
  QueryDesc* query;
  int flags;
};

void start_recorded(Start start, AuditTrail* trail) {
  ErrorData* error = border::run_guarded(
      [](void* argument) {
        const auto* given = static_cast<Start*>(argument);
        start_next(given->query, given->flags);
      },
      &start);
  if (error == nullptr) return;
  audit_failure(trail, {0, 0, NIL}, error->sqlerrcode);
  ReThrowError(error);
}

// The worker keeps the record of a tool's call.
void start_tool(Oid tool, Start start) {
  check_tool(tool);
  run_as_tool(
      [](void* argument) {
        const auto* given = static_cast<Start*>(argument);
        start_next(given->query, given->flags);
      },
      &start);
}

// The part of a plan that a parallel worker got was checked, metered and recorded by its leader.
// What a function runs there is the worker's own.
Strength strength_over(const QueryDesc* query) {
  const bool is_leaders = IsParallelWorker() && query->dest->mydest == DestTupleQueue;
  return is_leaders ? Strength::kNone : current_strength();
}

void start(QueryDesc* query, int flags) {
  allow_execution_memory();
  const Strength strength = strength_over(query);
  if (strength == Strength::kNone) return start_next(query, flags);
  const List* relations = check_stamp(query->plannedstmt, strength);
  const bool is_agent = strength == Strength::kAgent;
  if (is_agent) apply_agent_limits();
  const Oid tool = is_agent ? tool_of(query->plannedstmt) : InvalidOid;
  if (OidIsValid(tool)) return start_tool(tool, {query, flags});
  const bool is_run = (flags & EXEC_FLAG_EXPLAIN_ONLY) == 0;
  if (!is_run || (!is_agent && relations == NIL)) return start_next(query, flags);
  AuditTrail* trail = audit_intent(query->sourceText, relations, CurrentMemoryContext);
  start_recorded({query, flags}, trail);
  add_execution(query, caps_of(relations, is_agent), trail);
  count_passed();
}

bool collect_remote_id(PlanState* state, void* argument) {
  if (IsA(state, ForeignScanState)) {
    const auto* scan = reinterpret_cast<ForeignScanState*>(state);
    const char* id = scan->fdwroutine->BeginForeignScan == fdw::begin_scan
                         ? fdw::report_of(scan).query_id
                         : nullptr;
    auto** ids = static_cast<List**>(argument);
    if (id != nullptr) *ids = lappend(*ids, makeString(pstrdup(id)));
  }
  return postgres::walk_plan_state(state, collect_remote_id, argument);
}

void end(QueryDesc* query) {
  if (Execution* execution = find_execution(query)) {
    List* ids = NIL;
    (void)collect_remote_id(query->planstate, &ids);
    audit_outcome(execution->trail, {execution->meter.rows, execution->meter.bytes, ids});
  }
  if (previous_end != nullptr) {
    previous_end(query);
  } else {
    standard_ExecutorEnd(query);
  }
}

void run_next(QueryDesc* query, ScanDirection direction, uint64 count, bool is_once) {
  if (previous_run != nullptr) {
    previous_run(query, direction, count, is_once);
  } else {
    standard_ExecutorRun(query, direction, count, is_once);
  }
}

void report_cut(const Meter& meter) {
  ereport(NOTICE, (errcode(ERRCODE_WARNING),
                   errmsg("result is cut off at " INT64_FORMAT " rows (%s)", meter.max_rows,
                          facts_of(Code::kRowCapExceeded).name),
                   errhint("Aggregate, or add conditions.")));
}

// What the warehouse says of an error can quote rows and columns that the policy hides. It goes to
// the server's log; the session, and any exception handler in it, gets a number to ask for.
void withhold_remote_text(ErrorData* error, const AuditTrail* trail) {
  if (ERRCODE_TO_CATEGORY(error->sqlerrcode) != ERRCODE_FDW_ERROR) return;
  const char* id = trail != nullptr ? audit_id_of(trail) : "of a table without a tenant";
  ereport(LOG_SERVER_ONLY,
          (errmsg("remote error in guarded query %s: %s", id, error->message),
           error->detail != nullptr ? errdetail_internal("%s", error->detail) : 0));
  error->message = pstrdup("query failed in the warehouse");
  error->detail =
      psprintf("The server's log has what the warehouse said, under the audit id %s.", id);
  error->hint = nullptr;
  error->context = nullptr;
}

struct Run {
  QueryDesc* query;
  ScanDirection direction;
  uint64 count;
  bool is_once;
};

// The receiver is the query's own again whatever happens.
void run_metered(Run run, Execution* execution) {
  Meter* meter = &execution->meter;
  DestReceiver* const inner = run.query->dest;
  run.query->dest = make_metered_receiver(inner, meter);
  ErrorData* error = border::run_guarded(
      [](void* argument) {
        const auto* given = static_cast<Run*>(argument);
        run_next(given->query, given->direction, given->count, given->is_once);
      },
      &run);
  pfree(run.query->dest);
  run.query->dest = inner;
  if (error != nullptr) {
    withhold_remote_text(error, execution->trail);
    audit_failure(execution->trail, {meter->rows, meter->bytes, NIL}, error->sqlerrcode);
    ReThrowError(error);
  }
  if (meter->is_cut) report_cut(*meter);
}

// Checked when it was started, and a tool is run at once.
void run_tool(Run run) {
  run_as_tool(
      [](void* argument) {
        const auto* given = static_cast<Run*>(argument);
        run_next(given->query, given->direction, given->count, given->is_once);
      },
      &run);
}

void run(QueryDesc* query, ScanDirection direction, uint64 count, bool is_once) {
  allow_execution_memory();
  const Strength strength = strength_over(query);
  if (strength != Strength::kNone) (void)check_stamp(query->plannedstmt, strength);
  const Oid tool = strength == Strength::kAgent ? tool_of(query->plannedstmt) : InvalidOid;
  if (OidIsValid(tool)) return run_tool({query, direction, count, is_once});
  if (Execution* execution = find_execution(query)) {
    run_metered({query, direction, count, is_once}, execution);
  } else {
    run_next(query, direction, count, is_once);
  }
}

}  // namespace

void install_executor_hooks() {
  previous_start = ExecutorStart_hook;
  ExecutorStart_hook = start;
  previous_run = ExecutorRun_hook;
  ExecutorRun_hook = run;
  previous_end = ExecutorEnd_hook;
  ExecutorEnd_hook = end;
}

}  // namespace lakehouse::guard
