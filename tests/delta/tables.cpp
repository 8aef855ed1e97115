// SPDX-License-Identifier: PostgreSQL
// Writes tables by core/delta into the folder it is given, or a bucket's, for readers of others:
// `types` with every type and its extremes, `versions` with a history and a checkpoint. What they
// must find stands in test_tables.py.
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <string>
#include <vector>

#include "core/delta/action.hpp"
#include "core/delta/checkpoint.hpp"
#include "core/delta/local_store.hpp"
#include "core/delta/parquet_file.hpp"
#include "tests/delta/environment.hpp"

namespace {

using lakehouse::Context;
using namespace lakehouse::delta;  // NOLINT: a program of one file

constexpr std::int64_t kNow = 1'767'225'600'000;  // 2026-01-01, in milliseconds
constexpr std::int64_t kYear = 31'536'000'000;
constexpr std::int64_t kLastVersion = 12;
constexpr std::int64_t kCheckpointAt = 10;

using test::fail;
using test::take;

// A folder below `root`, or below the folder of the environment's bucket if it is "s3".
std::unique_ptr<Store> open_store(const std::string& root, const std::string& name) {
  if (root != "s3") return take(LocalStore::open_root(root + '/' + name));
  static const test::Environment environment;
  return environment.open_folder(name);
}

class Table {
 public:
  Table(const std::string& root, std::string name, Schema columns)
      : schema(std::move(columns)), store_(open_store(root, name)) {
    state.metadata = {"00000000-0000-4000-8000-000000000000",
                      std::move(name),
                      "",
                      schema_json(schema),
                      {{"delta.enableChangeDataFeed", "true"}},
                      kNow};
  }

  AddFile write(const std::string& path, const Batch& batch) {
    const WrittenFile written = write_data(path, schema, batch);
    return {path, written.bytes, kNow, DataChange::kYes, written.stats};
  }

  ChangeFile write_changes(const std::string& path, const Schema& columns, const Batch& batch) {
    return {path, write_data(path, columns, batch).bytes};
  }

  void commit(std::int64_t version, const std::string& lines) {
    const CommitInfo info{kNow + version, "WRITE", {{"mode", "Append"}}, "lakehouse/test"};
    if (!take(store_->put_if_absent(commit_name(version), line_of(info) + lines, {}))) {
      fail({lakehouse::ErrorCode::kInternal, "the version is there already", "", ""});
    }
  }

  void checkpoint(std::int64_t version) {
    auto upload = take(store_->create(checkpoint_name(version), {}));
    const LastCheckpoint written = take(write_checkpoint(state, version, *upload));
    take(upload->finish(IfPresent::kKeep));
    take(store_->put(kLastCheckpointName, last_checkpoint_json(written), {}));
  }

  Schema schema;
  TableState state;

 private:
  WrittenFile write_data(const std::string& path, const Schema& columns, const Batch& batch) {
    auto upload = take(store_->create(path, {}));
    auto writer = take(ParquetWriter::open(columns, *upload));
    take(writer->write(batch));
    const WrittenFile written = take(writer->finish());
    take(upload->finish(IfPresent::kKeep));
    return written;
  }

  std::unique_ptr<Store> store_;
};

Column column(std::int32_t id, std::string name, Type type, std::string comment = {}) {
  return {std::move(name), type, true, id, type.is_array ? 100 + id : 0, std::move(comment)};
}

Schema every_type() {
  using enum TypeKind;
  Schema schema{{column(1, "boolean", {.kind = kBoolean}), column(2, "short", {.kind = kShort}),
                 column(3, "integer", {.kind = kInteger}),
                 column(4, "long", {.kind = kLong}, "64 bits"),
                 column(5, "float", {.kind = kFloat}), column(6, "double", {.kind = kDouble}),
                 column(7, "money", {.kind = kDecimal, .precision = 9, .scale = 2}),
                 column(8, "wide", {.kind = kDecimal, .precision = 18, .scale = 0}),
                 column(9, "widest", {.kind = kDecimal, .precision = 38, .scale = 10}),
                 column(10, "Größe", {.kind = kString}), column(11, "binary", {.kind = kBinary}),
                 column(12, "date", {.kind = kDate}), column(13, "timestamp", {.kind = kTimestamp}),
                 column(14, "longs", {.kind = kLong, .is_array = true}),
                 column(15, "texts", {.kind = kString, .is_array = true}),
                 column(16, "times", {.kind = kTimestamp, .is_array = true})}};
  schema.columns[0].is_nullable = false;
  return schema;
}

struct Extreme {
  bool boolean;
  std::int64_t small, medium, large;
  double real;
  const char* money;
  const char* wide;
  const char* widest;
  std::string text;
  std::int64_t date, timestamp;
};

void append_scalars(BatchBuilder& rows, const Extreme& row) {
  take(rows.append_boolean(0, row.boolean));
  take(rows.append_integer(1, row.small));
  take(rows.append_integer(2, row.medium));
  take(rows.append_integer(3, row.large));
  take(rows.append_real(4, static_cast<float>(row.real / 1e280)));
  take(rows.append_real(5, row.real));
  take(rows.append_decimal(6, row.money));
  take(rows.append_decimal(7, row.wide));
  take(rows.append_decimal(8, row.widest));
  take(rows.append_text(9, row.text));
  take(rows.append_text(10, std::string("\0\xFF", 2) + row.text));
  take(rows.append_integer(11, row.date));
  take(rows.append_integer(12, row.timestamp));
}

void append_arrays(BatchBuilder& rows, const Extreme& row) {
  for (std::size_t array = 13; array < 16; ++array) take(rows.open_array(array));
  take(rows.append_integer(13, row.large));
  take(rows.append_null(13));
  take(rows.append_text(14, row.text));
  take(rows.append_integer(15, row.timestamp));
  for (std::size_t array = 13; array < 16; ++array) rows.close_array(array);
}

// The least and the greatest value of each type, a row of nulls, and empty arrays in it.
Batch extremes(const Schema& schema) {
  BatchBuilder rows(schema);
  const std::string long_text = "ä" + std::string(40, 'z');
  const std::vector<Extreme> values = {
      {false, -32768, std::numeric_limits<std::int32_t>::min(),
       std::numeric_limits<std::int64_t>::min(), -1e300, "-9999999.99", "-999999999999999999",
       "-9999999999999999999999999999.9999999999", "", -719'162, -62'135'596'800'000'000},
      {true, 32767, std::numeric_limits<std::int32_t>::max(),
       std::numeric_limits<std::int64_t>::max(), 1e300, "9999999.99", "999999999999999999",
       "9999999999999999999999999999.9999999999", long_text, 2'932'896, 1'767'225'599'999'999}};
  for (const Extreme& row : values) {
    append_scalars(rows, row);
    append_arrays(rows, row);
  }
  take(rows.append_boolean(0, false));
  for (std::size_t column = 1; column < 15; ++column) take(rows.append_null(column));
  take(rows.open_array(15));
  rows.close_array(15);
  return take(rows.finish());
}

void write_types(const std::string& root) {
  Table table(root, "types", every_type());
  table.commit(0, line_of(table.state.protocol) + line_of(table.state.metadata) +
                      line_of(table.write("part 1+ä.parquet", extremes(table.schema))));
}

Schema history_schema(bool has_change_type) {
  Schema schema{{column(1, "id", {.kind = TypeKind::kLong}), column(2, "text", {})}};
  if (has_change_type) schema.columns.push_back(column(3, "_change_type", {}));
  return schema;
}

// Rows first to first + count - 1.
Batch history_rows(std::int64_t first, std::int64_t count, const char* change = nullptr) {
  BatchBuilder rows(history_schema(change != nullptr));
  for (std::int64_t id = first; id < first + count; ++id) {
    take(rows.append_integer(0, id));
    take(rows.append_text(1, "row " + std::to_string(id)));
    if (change != nullptr) take(rows.append_text(2, change));
  }
  return take(rows.finish());
}

// Version n adds the ten rows from 10 n on; from 3 on, version n also takes those of version n - 3
// away. The last version changes nothing but the layout.
void write_versions(const std::string& root) {
  Table table(root, "versions", history_schema(false));
  const auto path = [](std::int64_t version) {
    return "data/part-" + std::to_string(version) + ".parquet";
  };
  for (std::int64_t version = 0; version < kLastVersion; ++version) {
    std::string lines;
    if (version == 0) lines = line_of(table.state.protocol) + line_of(table.state.metadata);
    table.state.transactions = {{"publisher", version, kNow}};
    lines += line_of(table.state.transactions.front());
    table.state.files.push_back(table.write(path(version), history_rows(version * 10, 10)));
    lines += line_of(table.state.files.back());
    if (version >= 3) {
      const AddFile gone = table.state.files.front();
      table.state.files.erase(table.state.files.begin());
      table.state.removed.push_back({gone.path, gone.bytes, kNow + kYear * 100, DataChange::kYes});
      lines += line_of(table.state.removed.back());
      const std::string changes = "_change_data/" + std::to_string(version);
      const Schema columns = history_schema(true);
      lines += line_of(table.write_changes(changes + "-insert.parquet", columns,
                                           history_rows(version * 10, 10, "insert")));
      lines += line_of(table.write_changes(changes + "-delete.parquet", columns,
                                           history_rows((version - 3) * 10, 10, "delete")));
    }
    table.commit(version, lines);
    if (version == kCheckpointAt) table.checkpoint(version);
  }
  std::string lines;
  for (const AddFile& file : table.state.files) {
    lines += line_of(RemoveFile{file.path, file.bytes, kNow, DataChange::kNo});
  }
  AddFile merged = table.write("merged.parquet", history_rows((kLastVersion - 3) * 10, 30));
  merged.data_change = DataChange::kNo;
  table.commit(kLastVersion, lines + line_of(merged));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: delta_tables FOLDER|s3\n");
    return EXIT_FAILURE;
  }
  write_types(argv[1]);
  write_versions(argv[1]);
  return EXIT_SUCCESS;
}
