// SPDX-License-Identifier: PostgreSQL
// Store's questions about versions and their files. A row of published_versions says that a version
// is kept, longer than it can be asked for; the metadata of a version is the newest at or before
// it.
#include "worker/sharing/store.hpp"

namespace lakehouse::worker::sharing {
namespace {

using db::Value;

constexpr const char* kHistory =
    "SELECT coalesce(max(v.version) FILTER (WHERE v.committed_ms <= $4), min(v.version), -1), "
    "coalesce(max(v.version) FILTER (WHERE v.committed_ms <= $3), -1), "
    "coalesce(min(v.version) FILTER (WHERE v.committed_ms >= $3), -1) "
    "FROM lakehouse.published_versions v WHERE v.table_id = $1::uuid AND v.version <= $2";
constexpr const char* kMetadata =
    "SELECT v.version, m.m->>'id', m.m->>'schemaString', "
    "coalesce(m.m->>'configuration', '{}'), coalesce((m.m->>'createdTime')::bigint, 0) "
    "FROM lakehouse.published_versions v, "
    "LATERAL (SELECT coalesce(v.metadata->'metaData', v.metadata)) m(m) "
    "WHERE v.table_id = $1::uuid AND v.version <= $2 AND v.metadata IS NOT NULL "
    "ORDER BY v.version DESC LIMIT 1";
constexpr const char* kFiles =
    "SELECT f.path, f.bytes, f.row_count, f.added_ms, f.stats FROM lakehouse.published_files f "
    "WHERE f.table_id = $1::uuid AND f.added_version <= $2 "
    "AND (f.removed_version IS NULL OR f.removed_version > $2) ORDER BY f.id";
// Where a version has change files, they tell all that it changed.
constexpr const char* kChanges =
    "WITH v AS (SELECT version, committed_ms, coalesce(metadata->'metaData', metadata) AS m, "
    "$4::int <> 0 AND EXISTS (SELECT FROM lakehouse.published_change_files c "
    "WHERE c.table_id = p.table_id AND c.version = p.version) AS has_change_files "
    "FROM lakehouse.published_versions p "
    "WHERE p.table_id = $1::uuid AND p.version BETWEEN $2 AND $3) "
    "SELECT v.version, v.committed_ms, c.kind, c.path, c.bytes, c.row_count, c.ms, c.stats, c.id, "
    "c.configuration FROM v, LATERAL ("
    "SELECT 0 AS kind, '' AS path, 0::bigint AS bytes, 0::bigint AS row_count, "
    "coalesce((v.m->>'createdTime')::bigint, 0) AS ms, v.m->>'schemaString' AS stats, "
    "v.m->>'id' AS id, coalesce(v.m->>'configuration', '{}') AS configuration "
    "WHERE v.m IS NOT NULL "
    "UNION ALL SELECT 1, f.path, f.bytes, f.row_count, f.added_ms, f.stats, '', '' "
    "FROM lakehouse.published_files f WHERE f.table_id = $1::uuid AND f.added_version = v.version "
    "AND f.added_with_change AND NOT v.has_change_files "
    "UNION ALL SELECT 2, f.path, f.bytes, f.row_count, f.removed_ms, f.stats, '', '' "
    "FROM lakehouse.published_files f WHERE f.table_id = $1::uuid "
    "AND f.removed_version = v.version AND f.removed_with_change AND NOT v.has_change_files "
    "UNION ALL SELECT 3, c.path, c.bytes, c.row_count, v.committed_ms, '', '', '' "
    "FROM lakehouse.published_change_files c WHERE c.table_id = $1::uuid "
    "AND c.version = v.version AND v.has_change_files) c "
    "ORDER BY v.version, c.kind, c.path COLLATE \"C\"";

DataFile read_file(db::Row& row) {
  DataFile file = DataFile::of(row.text());
  file.bytes = row.integer();
  file.rows = row.integer();
  file.modified_ms = row.integer();
  file.stats = row.text();
  return file;
}

// The columns of a file stand for those of metadata.
Change read_change(db::Row& row) {
  Change change;
  change.version = row.integer();
  change.committed_ms = row.integer();
  change.kind = static_cast<Change::Kind>(row.integer());
  change.file = read_file(row);
  change.metadata.version = change.version;
  change.metadata.id = row.text();
  change.metadata.configuration = row.text();
  if (change.kind == Change::Kind::kMetadata) {
    change.metadata.created_ms = change.file.modified_ms;
    change.metadata.schema_string = std::move(change.file.stats);
  }
  return change;
}

}  // namespace

Result<Store::History> Store::history(const SharedTable& table, std::int64_t at_ms,
                                      std::int64_t since_ms, const Context& context) {
  auto rows = pool_.query({kHistory,
                           {Value::text(table.id), Value::integer(table.version),
                            Value::integer(at_ms), Value::integer(since_ms)},
                           "sharing_history"},
                          context);
  if (!rows) return rows.error();
  db::Row row = rows->row(0);
  History history;
  history.oldest = row.integer();
  history.before = row.integer();
  history.after = row.integer();
  if (Status sound = row.finish(); !sound) return sound.error();
  return history;
}

Result<std::optional<TableMetadata>> Store::metadata(const SharedTable& table, std::int64_t version,
                                                     const Context& context) {
  auto rows = pool_.query(
      {kMetadata, {Value::text(table.id), Value::integer(version)}, "sharing_metadata"}, context);
  if (!rows) return rows.error();
  if (rows->count() == 0) return std::optional<TableMetadata>();
  db::Row row = rows->row(0);
  TableMetadata metadata;
  metadata.version = row.integer();
  metadata.id = row.text();
  metadata.schema_string = row.text();
  metadata.configuration = row.text();
  metadata.created_ms = row.integer();
  if (Status sound = row.finish(); !sound) return sound.error();
  return std::optional<TableMetadata>(std::move(metadata));
}

Result<std::vector<DataFile>> Store::files(const SharedTable& table, std::int64_t version,
                                           const Context& context) {
  auto rows = pool_.query(
      {kFiles, {Value::text(table.id), Value::integer(version)}, "sharing_files"}, context);
  if (!rows) return rows.error();
  std::vector<DataFile> files;
  files.reserve(static_cast<std::size_t>(rows->count()));
  for (int i = 0; i < rows->count(); ++i) {
    db::Row row = rows->row(i);
    files.push_back(read_file(row));
    if (Status sound = row.finish(); !sound) return sound.error();
  }
  return files;
}

Result<std::vector<Change>> Store::changes(const SharedTable& table, std::int64_t first,
                                           std::int64_t last, bool with_change_files,
                                           const Context& context) {
  auto rows = pool_.query({kChanges,
                           {Value::text(table.id), Value::integer(first), Value::integer(last),
                            Value::integer(with_change_files ? 1 : 0)},
                           "sharing_changes"},
                          context);
  if (!rows) return rows.error();
  std::vector<Change> changes;
  changes.reserve(static_cast<std::size_t>(rows->count()));
  for (int i = 0; i < rows->count(); ++i) {
    db::Row row = rows->row(i);
    changes.push_back(read_change(row));
    if (Status sound = row.finish(); !sound) return sound.error();
  }
  return changes;
}

}  // namespace lakehouse::worker::sharing
