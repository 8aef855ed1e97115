// SPDX-License-Identifier: PostgreSQL
// The commit's lines are made here and kept with the version until they are in the log.
#include "worker/publish/version.hpp"

#include <algorithm>

#include "worker/version.hpp"

namespace lakehouse::worker::publish {
namespace {

constexpr const char* kPrevious =
    "SELECT coalesce(max(committed_ms), 0)::int8, "
    "coalesce((array_agg(total_rows ORDER BY version DESC))[1], 0)::int8, "
    "(extract(epoch FROM clock_timestamp()) * 1000)::int8 "
    "FROM lakehouse.published_versions WHERE table_id = $1";
// Nobody else has made this version meanwhile, and the table is still published.
constexpr const char* kRaise =
    "UPDATE lakehouse.published_tables SET version = $2, columns = $3::jsonb, next_column_id = $4, "
    "last_error = NULL WHERE id = $1 AND version = $2 - 1";
constexpr const char* kInsertVersion =
    "INSERT INTO lakehouse.published_versions (table_id, version, job_id, operation, snapshot_at, "
    "committed_ms, metadata, lines, total_rows, rows_added, rows_changed, rows_removed, "
    "files_added, files_removed, bytes_written, duration) VALUES ($1, $2, $3, $4, $5::timestamptz, "
    "$6, $7::jsonb -> 'metaData', $8, $9, $10, $11, $12, $13, $14, $15, "
    "$16::int8 * interval '1 microsecond')";
constexpr const char* kInsertFile =
    "INSERT INTO lakehouse.published_files (table_id, path, bytes, row_count, stats, "
    "added_version, added_with_change, added_ms, key_filter) "
    "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
constexpr const char* kRemoveFiles =
    "UPDATE lakehouse.published_files SET removed_version = $3, removed_with_change = $4, "
    "removed_ms = $5 WHERE table_id = $1 AND id = ANY ($2::int8[]) AND removed_version IS NULL";
constexpr const char* kInsertChanges =
    "INSERT INTO lakehouse.published_change_files (table_id, version, path, bytes, row_count) "
    "VALUES ($1, $2, $3, $4, $5)";

using db::Value;

struct Commit {
  std::int64_t number = 0;
  std::int64_t at_ms = 0;
  std::int64_t total_rows = 0;
  std::string metadata;  // its line, or empty
  std::string lines;
};

Error lost_table_error() {
  return {ErrorCode::kUnavailable, "the table was removed or published by another meanwhile", "",
          "Publish again."};
}

delta::DataChange data_change(const Version& version) {
  return version.operation == Operation::kOptimize ? delta::DataChange::kNo
                                                   : delta::DataChange::kYes;
}

const char* truth(bool value) { return value ? "true" : "false"; }

std::string commit_info(const Version& version, const Commit& commit) {
  delta::CommitInfo info;
  info.timestamp_ms = commit.at_ms;
  info.operation = name_of(version.operation);
  info.parameters = {{"rowsAdded", std::to_string(version.rows_added)},
                     {"rowsChanged", std::to_string(version.rows_changed)},
                     {"rowsRemoved", std::to_string(version.rows_removed)}};
  info.engine = "Lakehouse/" + std::string(kVersion);
  return line_of(info);
}

std::string lines_of(const Table& table, const Version& version, const Commit& commit,
                     const Occasion& occasion) {
  const delta::DataChange change = data_change(version);
  std::string lines = commit_info(version, commit);
  if (version.operation == Operation::kCreate) lines += line_of(delta::Protocol{});
  lines += commit.metadata;
  lines += line_of(delta::Transaction{table.id, occasion.job_id, commit.at_ms});
  for (const LiveFile& file : version.removed) {
    lines += line_of(delta::RemoveFile{file.path, file.bytes, commit.at_ms, change});
  }
  for (const DataFile& file : version.added) {
    lines += line_of(delta::AddFile{file.path, file.bytes, commit.at_ms, change, file.stats});
  }
  for (const DataFile& file : version.changes) {
    lines += line_of(delta::ChangeFile{file.path, file.bytes});
  }
  return lines;
}

Result<Commit> prepare(db::Connection& connection, const Table& table, const Columns& columns,
                       const Version& version, const Occasion& occasion, const Context& context) {
  auto rows = connection.query({kPrevious, {Value::text(table.id)}, "previous"}, context);
  if (!rows) return std::move(rows).error();
  db::Row row = rows->row(0);
  const std::int64_t previous_ms = row.integer();
  const std::int64_t previous_rows = row.integer();
  const std::int64_t now_ms = row.integer();
  if (Status sound = row.finish(); !sound) return std::move(sound).error();
  Commit commit;
  commit.number = table.version + 1;
  commit.at_ms = std::max(now_ms, previous_ms + 1);
  commit.total_rows = previous_rows + version.rows_added - version.rows_removed;
  if (version.has_new_columns) commit.metadata = line_of(metadata_of(table, columns.schema));
  commit.lines = lines_of(table, version, commit, occasion);
  return commit;
}

std::int64_t bytes_of(const Version& version) {
  std::int64_t bytes = 0;
  for (const auto* files : {&version.added, &version.changes}) {
    for (const DataFile& file : *files) bytes += file.bytes;
  }
  return bytes;
}

std::int64_t microseconds_since(std::chrono::steady_clock::time_point begun) {
  const auto span = std::chrono::steady_clock::now() - begun;
  return std::chrono::duration_cast<std::chrono::microseconds>(span).count();
}

db::Statement insertion(const Table& table, const Version& version, const Commit& commit,
                        const Occasion& occasion) {
  const auto count = [](std::size_t number) {
    return Value::integer(static_cast<std::int64_t>(number));
  };
  return {kInsertVersion,
          {Value::text(table.id), Value::integer(commit.number), Value::integer(occasion.job_id),
           Value::text(name_of(version.operation)), Value::text(occasion.snapshot_at),
           Value::integer(commit.at_ms),
           commit.metadata.empty() ? Value::null() : Value::text(commit.metadata),
           Value::text(commit.lines), Value::integer(commit.total_rows),
           Value::integer(version.rows_added), Value::integer(version.rows_changed),
           Value::integer(version.rows_removed), count(version.added.size()),
           count(version.removed.size()), Value::integer(bytes_of(version)),
           Value::integer(microseconds_since(version.begun))},
          "insert_version"};
}

Status run_all(db::Connection& connection, const std::vector<db::Statement>& statements,
               const Context& context) {
  for (const db::Statement& statement : statements) {
    if (auto done = connection.query(statement, context); !done) return std::move(done).error();
  }
  return kDone;
}

Status insert_files(db::Connection& connection, const Table& table, const Version& version,
                    const Commit& commit, const Context& context) {
  const bool is_change = data_change(version) == delta::DataChange::kYes;
  for (const DataFile& file : version.added) {
    const db::Statement insert{
        kInsertFile,
        {Value::text(table.id), Value::text(file.path), Value::integer(file.bytes),
         Value::integer(file.rows), Value::text(file.stats), Value::integer(commit.number),
         Value::text(truth(is_change)), Value::integer(commit.at_ms),
         Value::bytes(file.key_filter)},
        "insert_file"};
    if (auto done = connection.query(insert, context); !done) return std::move(done).error();
  }
  std::vector<db::Statement> rest;
  if (!version.removed.empty()) {
    std::vector<std::int64_t> ids;
    for (const LiveFile& file : version.removed) ids.push_back(file.id);
    rest.push_back(
        {kRemoveFiles,
         {Value::text(table.id), Value::text(array_text(ids)), Value::integer(commit.number),
          Value::text(truth(is_change)), Value::integer(commit.at_ms)},
         "remove_files"});
  }
  for (const DataFile& file : version.changes) {
    rest.push_back({kInsertChanges,
                    {Value::text(table.id), Value::integer(commit.number), Value::text(file.path),
                     Value::integer(file.bytes), Value::integer(file.rows)},
                    "insert_changes"});
  }
  return run_all(connection, rest, context);
}

}  // namespace

const char* name_of(Operation operation) {
  switch (operation) {
    case Operation::kCreate:
      return "CREATE";
    case Operation::kReload:
      return "RELOAD";
    case Operation::kWrite:
      return "WRITE";
    case Operation::kOptimize:
      break;
  }
  return "OPTIMIZE";
}

Result<wire::PublishedVersion> record_version(db::Connection& connection, Table& table,
                                              const Columns& columns, const Version& version,
                                              const Occasion& occasion, const Context& context) {
  auto commit = prepare(connection, table, columns, version, occasion, context);
  if (!commit) return std::move(commit).error();
  auto raised = connection.query(
      {kRaise,
       {Value::text(table.id), Value::integer(commit->number),
        Value::text(columns_json(columns.schema)), Value::integer(columns.next_id)},
       "raise"},
      context);
  if (!raised) return std::move(raised).error();
  if (raised->changed_count() != 1) return lost_table_error();
  auto inserted = connection.query(insertion(table, version, *commit, occasion), context);
  if (!inserted) return std::move(inserted).error();
  if (Status done = insert_files(connection, table, version, *commit, context); !done) {
    return std::move(done).error();
  }
  table.version = commit->number;
  return wire::PublishedVersion{table.name,
                                commit->number,
                                name_of(version.operation),
                                version.rows_added,
                                version.rows_changed,
                                version.rows_removed,
                                bytes_of(version),
                                microseconds_since(version.begun)};
}

}  // namespace lakehouse::worker::publish
