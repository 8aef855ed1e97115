// SPDX-License-Identifier: PostgreSQL
// capture_change(): the trigger that notes the keys of rows that are written, in the writer's own
// transaction. Its arguments: id of the published table, names of the key's columns. It must never
// fail a write for a reason of its own: where a key can't be told, every row counts as changed.
// It writes lakehouse.captured_changes below the executor, as the server writes its catalogs: that
// costs a fifth of an INSERT, and the writer needs no right on the table.
#include <algorithm>

#include "extension/border/border.hpp"
#include "extension/postgres/prelude.hpp"

namespace lakehouse::publish {
namespace {

constexpr char kSchema[] = "lakehouse";
constexpr char kTable[] = "captured_changes";
constexpr int kTableId = 0;
constexpr int kKey = 1;

// Of a row: an array of text, or nothing.
struct Key {
  Datum values;
  bool is_known;
};

// The table that captures go to, open.
struct Captures {
  Relation table;
  CatalogIndexState indexes;
  Datum published_table;
};

Captures open_captures(const TriggerData* trigger) {
  const Oid table = get_relname_relid(kTable, get_namespace_oid(kSchema, false));
  if (!OidIsValid(table)) elog(ERROR, "table %s.%s is gone", kSchema, kTable);
  Relation opened = table_open(table, RowExclusiveLock);
  return {opened, CatalogOpenIndexes(opened),
          DirectFunctionCall1(uuid_in, CStringGetDatum(trigger->tg_trigger->tgargs[0]))};
}

// The lock stays until the transaction's end, as an INSERT's would.
void close_captures(const Captures& captures) {
  CatalogCloseIndexes(captures.indexes);
  table_close(captures.table, NoLock);
}

void record(const Captures& captures, Key key) {
  const TupleDesc description = RelationGetDescr(captures.table);
  const auto count = static_cast<Size>(description->natts);
  auto* values = static_cast<Datum*>(palloc0(sizeof(Datum) * count));
  auto* nulls = static_cast<bool*>(palloc(sizeof(bool) * count));
  std::fill_n(nulls, count, true);
  values[kTableId] = captures.published_table;
  nulls[kTableId] = false;
  values[kKey] = key.values;
  nulls[kKey] = !key.is_known;
  CatalogTupleInsertWithInfo(captures.table, heap_form_tuple(description, values, nulls),
                             captures.indexes);
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
void capture_row(const Captures& captures, const TriggerData* trigger) {
  const Key before = key_of(trigger->tg_trigtuple, trigger);
  record(captures, before);
  if (!TRIGGER_FIRED_BY_UPDATE(trigger->tg_event)) return;
  const Key after = key_of(trigger->tg_newtuple, trigger);
  if (!is_same(before, after)) record(captures, after);
}

void capture(const TriggerData* trigger) {
  if (trigger->tg_trigger->tgnargs < 1) elog(ERROR, "the trigger lacks its arguments");
  const Captures captures = open_captures(trigger);
  if (TRIGGER_FIRED_FOR_ROW(trigger->tg_event)) {
    capture_row(captures, trigger);
  } else {
    record(captures, {0, false});
  }
  close_captures(captures);
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
