// SPDX-License-Identifier: PostgreSQL
// The triggers of lakehouse.data_sources. A BEFORE trigger sets what only the catalogs know; an
// AFTER trigger invalidates the table in every session's caches when the change commits.
#include "extension/border/border.hpp"
#include "extension/guard/policy.hpp"

namespace lakehouse::guard {
namespace {

constexpr char kSchema[] = "lakehouse";
constexpr char kEpochSequence[] = "policy_epoch";

struct Row {
  HeapTuple tuple;
  TupleDesc description;
};

Datum field(const Row& row, const char* name, bool& is_null) {
  return SPI_getbinval(row.tuple, row.description, SPI_fnumber(row.description, name), &is_null);
}

Oid relation_of(const Row& row) {
  bool is_null = false;
  return DatumGetObjectId(field(row, "relation", is_null));
}

void require_own_foreign_table(Oid relation) {
  if (get_rel_relkind(relation) != RELKIND_FOREIGN_TABLE || !is_our_foreign_table(relation)) {
    ereport(ERROR, (errcode(ERRCODE_WRONG_OBJECT_TYPE),
                    errmsg("\"%s\" is no table of a warehouse", get_rel_name(relation)),
                    errhint("Import it with IMPORT FOREIGN SCHEMA first.")));
  }
  if (!pg_class_ownercheck(relation, GetUserId())) {
    ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
                    errmsg("must be owner of foreign table %s", get_rel_name(relation))));
  }
}

Datum number_columns(Oid relation, Datum names) {
  Datum* items = nullptr;
  int count = 0;
  deconstruct_array(DatumGetArrayTypeP(names), TEXTOID, -1, false, TYPALIGN_INT, &items, nullptr,
                    &count);
  auto* numbers = static_cast<Datum*>(palloc(sizeof(Datum) * static_cast<Size>(count + 1)));
  for (int i = 0; i < count; ++i) {
    const char* name = TextDatumGetCString(items[i]);
    const AttrNumber attribute = get_attnum(relation, name);
    if (attribute <= 0) {
      ereport(ERROR, (errcode(ERRCODE_UNDEFINED_COLUMN),
                      errmsg("column \"%s\" of table \"%s\" does not exist", name,
                             get_rel_name(relation))));
    }
    numbers[i] = Int16GetDatum(attribute);
  }
  return PointerGetDatum(construct_array(numbers, count, INT2OID, 2, true, TYPALIGN_SHORT));
}

// Of no filter: none.
Datum number_filter(const Row& row, Oid relation) {
  bool is_null = false;
  const Datum filter = field(row, "row_filter", is_null);
  List* parts = NIL;
  if (!is_null) {
    Relation table = table_open(relation, AccessShareLock);
    parts = parse_row_filter(table, TextDatumGetCString(filter));
    table_close(table, NoLock);
  }
  return PointerGetDatum(number_filter_columns(parts));
}

HeapTuple complete(const Row& row) {
  const Oid relation = relation_of(row);
  require_own_foreign_table(relation);
  const Datum filter_numbers = number_filter(row, relation);
  const Oid sequence = get_relname_relid(kEpochSequence, get_namespace_oid(kSchema, false));
  bool is_null = false;
  int columns[] = {SPI_fnumber(row.description, "column_numbers"),
                   SPI_fnumber(row.description, "filter_column_numbers"),
                   SPI_fnumber(row.description, "epoch"),
                   SPI_fnumber(row.description, "updated_at")};
  Datum values[] = {number_columns(relation, field(row, "columns", is_null)), filter_numbers,
                    Int64GetDatum(nextval_internal(sequence, false)),
                    TimestampTzGetDatum(GetCurrentTransactionStartTimestamp())};
  bool nulls[] = {false, false, false, false};
  return heap_modify_tuple_by_cols(row.tuple, row.description, 4, columns, values, nulls);
}

List* parents_of(Oid relation) {
  List* parents = NIL;
  ScanKeyData key;
  ScanKeyInit(&key, Anum_pg_inherits_inhrelid, BTEqualStrategyNumber, F_OIDEQ,
              ObjectIdGetDatum(relation));
  Relation catalog = table_open(InheritsRelationId, AccessShareLock);
  SysScanDesc scan = systable_beginscan(catalog, InheritsRelidSeqnoIndexId, true, nullptr, 1, &key);
  while (HeapTuple tuple = systable_getnext(scan)) {
    parents = lappend_oid(parents, reinterpret_cast<Form_pg_inherits>(GETSTRUCT(tuple))->inhparent);
  }
  systable_endscan(scan);
  table_close(catalog, AccessShareLock);
  return parents;
}

// A parent's statistics were made of its children's rows too.
void forget_statistics(Oid relation) {
  check_stack_depth();
  RemoveStatistics(relation, 0);
  Relation table = table_open(relation, AccessShareLock);
  ListCell* cell;
  foreach (cell, RelationGetStatExtList(table)) {
    for (const bool is_of_children : {false, true})
      RemoveStatisticsDataById(lfirst_oid(cell), is_of_children);
  }
  table_close(table, NoLock);
  foreach (cell, parents_of(relation)) forget_statistics(lfirst_oid(cell));
}

void announce(Oid relation) {
  if (get_rel_relkind(relation) == '\0') return;  // dropped together with its data source
  CacheInvalidateRelcacheByRelid(relation);
  forget_statistics(relation);
}

const TriggerData* trigger_of(FunctionCallInfo call) {
  if (!CALLED_AS_TRIGGER(call)) elog(ERROR, "not called as a trigger");
  return reinterpret_cast<TriggerData*>(call->context);
}

}  // namespace
}  // namespace lakehouse::guard

LAKEHOUSE_SQL_FUNCTION(lakehouse_check_data_source) {
  using namespace lakehouse;
  return border::call([&]() -> Datum {
    const TriggerData* trigger = guard::trigger_of(fcinfo);
    const bool is_update = TRIGGER_FIRED_BY_UPDATE(trigger->tg_event);
    return PointerGetDatum(guard::complete(
        {is_update ? trigger->tg_newtuple : trigger->tg_trigtuple, trigger->tg_relation->rd_att}));
  });
}

LAKEHOUSE_SQL_FUNCTION(lakehouse_announce_data_source) {
  using namespace lakehouse;
  return border::call([&]() -> Datum {
    const TriggerData* trigger = guard::trigger_of(fcinfo);
    const TupleDesc description = trigger->tg_relation->rd_att;
    const Oid before = guard::relation_of({trigger->tg_trigtuple, description});
    guard::announce(before);
    if (TRIGGER_FIRED_BY_UPDATE(trigger->tg_event)) {
      const Oid after = guard::relation_of({trigger->tg_newtuple, description});
      if (after != before) guard::announce(after);
    }
    return PointerGetDatum(nullptr);
  });
}
