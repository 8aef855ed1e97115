// SPDX-License-Identifier: PostgreSQL
// capture_change(): the trigger that notes the keys of rows that are written, in the writer's own
// transaction. Its arguments: id of the published table, names of the key's columns. It must never
// fail a write for a reason of its own: where a key can't be told, every row counts as changed.
#include "extension/border/border.hpp"
#include "extension/postgres/prelude.hpp"

namespace lakehouse::publish {
namespace {

constexpr char kInsert[] = "INSERT INTO lakehouse.captured_changes (table_id, key) VALUES ($1, $2)";

// The session's; SPI keeps it, and plans it anew by itself when the table changes.
SPIPlanPtr insert_plan = nullptr;

// Of a row: an array of text, or nothing.
struct Key {
  Datum values;
  bool is_known;
};

void prepare_insert() {
  if (insert_plan != nullptr) return;
  Oid types[] = {UUIDOID, TEXTARRAYOID};
  SPIPlanPtr plan = SPI_prepare(kInsert, 2, types);
  if (plan == nullptr || SPI_keepplan(plan) != 0)
    elog(ERROR, "could not plan the capture of changes: %s", SPI_result_code_string(SPI_result));
  insert_plan = plan;
}

void record(Datum table, Key key) {
  Datum values[] = {table, key.values};
  const char nulls[] = {' ', key.is_known ? ' ' : 'n'};
  const int result = SPI_execute_plan(insert_plan, values, nulls, false, 0);
  if (result != SPI_OK_INSERT)
    elog(ERROR, "could not capture a change: %s", SPI_result_code_string(result));
}

// The text is that of the type's output function, which for keys depends on no setting.
Datum text_of(HeapTuple row, TupleDesc description, int column, bool& is_null) {
  const Datum value = SPI_getbinval(row, description, column, &is_null);
  if (is_null) return 0;
  Oid output = InvalidOid;
  bool is_variable = false;
  getTypeOutputInfo(SPI_gettypeid(description, column), &output, &is_variable);
  return CStringGetTextDatum(OidOutputFunctionCall(output, value));
}

Key key_of(HeapTuple row, const TriggerData* trigger) {
  const TupleDesc description = trigger->tg_relation->rd_att;
  const Trigger* made = trigger->tg_trigger;
  const int count = made->tgnargs - 1;
  auto* values = static_cast<Datum*>(palloc(sizeof(Datum) * static_cast<Size>(count)));
  for (int i = 0; i < count; ++i) {
    const int column = SPI_fnumber(description, made->tgargs[i + 1]);
    if (column <= 0) return {0, false};  // renamed since
    bool is_null = false;
    values[i] = text_of(row, description, column, is_null);
    if (is_null) return {0, false};
  }
  return {PointerGetDatum(construct_array(values, count, TEXTOID, -1, false, TYPALIGN_INT)), true};
}

bool is_same(Key left, Key right) {
  if (!left.is_known || !right.is_known) return left.is_known == right.is_known;
  return datumIsEqual(left.values, right.values, false, -1);
}

// Of an UPDATE both keys, if they differ: one row went, another came.
void capture_row(Datum table, const TriggerData* trigger) {
  const Key before = key_of(trigger->tg_trigtuple, trigger);
  record(table, before);
  if (!TRIGGER_FIRED_BY_UPDATE(trigger->tg_event)) return;
  const Key after = key_of(trigger->tg_newtuple, trigger);
  if (!is_same(before, after)) record(table, after);
}

void capture(const TriggerData* trigger) {
  if (trigger->tg_trigger->tgnargs < 1) elog(ERROR, "the trigger lacks its arguments");
  SPI_connect();
  prepare_insert();
  const Datum table = DirectFunctionCall1(uuid_in, CStringGetDatum(trigger->tg_trigger->tgargs[0]));
  if (TRIGGER_FIRED_FOR_ROW(trigger->tg_event)) {
    capture_row(table, trigger);
  } else {
    record(table, {0, false});
  }
  SPI_finish();
}

}  // namespace
}  // namespace lakehouse::publish

LAKEHOUSE_SQL_FUNCTION(lakehouse_capture_change) {
  using namespace lakehouse;
  return border::call([&]() -> Datum {
    if (!CALLED_AS_TRIGGER(fcinfo)) elog(ERROR, "not called as a trigger");
    publish::capture(reinterpret_cast<TriggerData*>(fcinfo->context));
    return PointerGetDatum(nullptr);
  });
}
