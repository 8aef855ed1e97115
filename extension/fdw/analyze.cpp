// SPDX-License-Identifier: PostgreSQL
// Two remote statements: count(*), which Delta answers from metadata, and a TABLESAMPLE of about
// the rows wanted.
#include "extension/fdw/analyze.hpp"

#include "extension/border/border.hpp"
#include "extension/fdw/deparse.hpp"
#include "extension/fdw/row_stream.hpp"
#include "extension/guard/policy.hpp"
#include "extension/settings.hpp"

namespace lakehouse::fdw {
namespace {

// TABLESAMPLE takes each row by chance: ask for some more than wanted, then thin out.
constexpr double kOversampling = 1.5;

// Rows of one statement without parameters. Plain regime; the stream is destroyed with `context`.
struct Reader {
  RowStream* stream;
  Datum* values;
  bool* nulls;
};

Reader open_reader(MemoryContext context, const TableOptions& options, const Columns& columns,
                   const List* retrieved, const char* statement) {
  Reader reader{};
  reader.values =
      static_cast<Datum*>(palloc0(sizeof(Datum) * static_cast<std::size_t>(columns.count + 1)));
  reader.nulls =
      static_cast<bool*>(palloc0(sizeof(bool) * static_cast<std::size_t>(columns.count + 1)));
  const char* utf8 = pg_server_to_any(statement, static_cast<int>(strlen(statement)), PG_UTF8);
  reader.stream = border::serve([&] {
    RowStream* stream = RowStream::create(context);
    stream->set_columns(columns, retrieved);
    wire::OpenScan request;
    request.connection_id = options.connection;
    request.window_bytes = options.fetch_window_bytes;
    request.statement = utf8;
    stream->open(std::move(request));
    return stream;
  });
  return reader;
}

bool read_row(Reader& reader, int attributes) {
  if (!reader.stream->has_row() && !border::serve([&] { return reader.stream->advance(); }))
    return false;
  for (int i = 0; i < attributes; ++i) reader.nulls[i] = true;
  reader.stream->fill(reader.values, reader.nulls);
  return true;
}

double count_rows(MemoryContext context, const TableOptions& options) {
  Column count{};
  count.remote_type = "bigint";
  count.type = INT8OID;
  count.typmod = -1;
  count.local = dialect::find_local_type(INT8OID);
  const Columns columns{&count, 1};
  Reader reader = open_reader(context, options, columns, list_make1_int(1), deparse_count(options));
  return read_row(reader, 1) ? static_cast<double>(DatumGetInt64(reader.values[0])) : 0;
}

struct Sample {
  HeapTuple* rows;
  int wanted;
  int taken;
  double seen;
};

// Vitter's reservoir, as PostgreSQL samples its own tables.
void keep_or_drop(Sample& sample, ReservoirState reservoir, double& to_skip, HeapTuple row) {
  sample.seen += 1;
  if (sample.taken < sample.wanted) {
    sample.rows[sample.taken++] = row;
    if (sample.taken == sample.wanted) {
      reservoir_init_selection_state(reservoir, sample.wanted);
      to_skip = reservoir_get_next_S(reservoir, sample.seen, sample.wanted);
    }
    return;
  }
  if (to_skip-- > 0) {
    heap_freetuple(row);
    return;
  }
  const int place = static_cast<int>(sample.wanted * sampler_random_fract(&reservoir->randstate));
  heap_freetuple(sample.rows[place]);
  sample.rows[place] = row;
  to_skip = reservoir_get_next_S(reservoir, sample.seen, sample.wanted);
}

// Statistics show values: of an exposed table those of exposed columns, and with a row filter none.
const Bitmapset* sampled_attributes(Oid relation) {
  const guard::Policy* policy = guard::find_policy(relation);
  if (!policy->is_exposed) return bms_make_singleton(0 - FirstLowInvalidHeapAttributeNumber);
  return policy->filter == NIL ? policy->columns : nullptr;
}

void take_sample(Relation relation, MemoryContext context, const TableOptions& options,
                 double total, Sample& sample) {
  const Columns columns = read_columns(relation);
  List* retrieved = NIL;
  const double percent = total > 0 ? 100.0 * kOversampling * sample.wanted / total : 100.0;
  const Bitmapset* attributes = sampled_attributes(RelationGetRelid(relation));
  if (attributes == nullptr) return;
  const char* statement = deparse_sample(options, columns, attributes, percent, &retrieved);
  MemoryContext rows_context = MemoryContextSwitchTo(context);
  Reader reader = open_reader(context, options, columns, retrieved, statement);
  MemoryContext row_context =
      AllocSetContextCreate(context, "lakehouse sample row", ALLOCSET_SMALL_SIZES);
  ReservoirStateData reservoir{};
  double to_skip = 0;
  for (;;) {
    MemoryContextReset(row_context);
    MemoryContextSwitchTo(row_context);
    if (!read_row(reader, columns.count)) break;
    MemoryContextSwitchTo(rows_context);
    HeapTuple row = heap_form_tuple(RelationGetDescr(relation), reader.values, reader.nulls);
    keep_or_drop(sample, &reservoir, to_skip, row);
  }
  MemoryContextSwitchTo(rows_context);
}

int acquire_sample(Relation relation, int level, HeapTuple* rows, int wanted, double* total,
                   double* dead) {
  settings::require_warehouse_integration();
  MemoryContext context =
      AllocSetContextCreate(CurrentMemoryContext, "lakehouse analyze", ALLOCSET_DEFAULT_SIZES);
  const TableOptions options = read_table_options(RelationGetRelid(relation));
  *dead = 0;
  *total = count_rows(context, options);
  Sample sample{rows, wanted, 0, 0};
  take_sample(relation, context, options, *total, sample);
  MemoryContextDelete(context);
  ereport(level, (errmsg("\"%s\": %.0f remote rows, %d in the sample",
                         RelationGetRelationName(relation), *total, sample.taken)));
  return sample.taken;
}

}  // namespace

bool prepare_analyze(Relation, AcquireSampleRowsFunc* acquire, BlockNumber* pages) {
  *acquire = acquire_sample;
  *pages = 1;  // foreign pages mean nothing here; 0 would say "never analysed"
  return true;
}

}  // namespace lakehouse::fdw
