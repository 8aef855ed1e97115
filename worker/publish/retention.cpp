// SPDX-License-Identifier: PostgreSQL
// Rows go first: a death in between leaves files that the next sweep finds, never rows without
// files.
#include "worker/publish/retention.hpp"

namespace lakehouse::worker::publish {
namespace {

// Who was given a URL while a version could still be read may use it, and then a refresh token, for
// an hour each.
constexpr std::chrono::minutes kLongestRead{120};

constexpr const char* kOldest =
    "SELECT coalesce((SELECT max(version) FROM lakehouse.published_versions WHERE table_id = $1 "
    "AND stored_at IS NOT NULL "
    "AND committed_ms <= extract(epoch FROM now()) * 1000 - $2::int8 * 60000 AND EXISTS "
    "(SELECT FROM lakehouse.published_versions WHERE table_id = $1 AND committed_ms <= "
    "extract(epoch FROM now()) * 1000 - $2::int8 * 60000 OFFSET 1)), -1)::int8";
// The oldest version that is left still says what its columns are.
constexpr const char* kKeepMetadata =
    "UPDATE lakehouse.published_versions v SET metadata = (SELECT o.metadata "
    "FROM lakehouse.published_versions o WHERE o.table_id = $1 AND o.version <= $2 "
    "AND o.metadata IS NOT NULL ORDER BY o.version DESC LIMIT 1) "
    "WHERE v.table_id = $1 AND v.version = $2 AND v.metadata IS NULL";
constexpr const char* kForgetFiles =
    "DELETE FROM lakehouse.published_files WHERE table_id = $1 AND removed_version < $2 "
    "RETURNING path";
constexpr const char* kForgetChanges =
    "DELETE FROM lakehouse.published_change_files WHERE table_id = $1 AND version < $2 "
    "RETURNING path";
constexpr const char* kForgetVersions =
    "DELETE FROM lakehouse.published_versions WHERE table_id = $1 AND version < $2";

}  // namespace

Status Retention::apply(const Table& table, delta::Store& store, const Context& context) {
  const auto oldest = oldest_to_keep(table, context);
  if (!oldest) return oldest.error();
  if (*oldest < 0) return kDone;
  const auto paths = forget(table, *oldest, context);
  if (!paths) return paths.error();
  if (Status reached = steps_.reach("vacuum", context); !reached) return reached;
  for (const std::string& path : *paths) {
    if (Status removed = store.remove(table.path_of(path), context); !removed) return removed;
  }
  return kDone;
}

Result<std::int64_t> Retention::oldest_to_keep(const Table& table, const Context& context) {
  const auto span = (span_ + kLongestRead).count();
  auto rows = connection_.query(
      {kOldest, {db::Value::text(table.id), db::Value::integer(span)}, "oldest_to_keep"}, context);
  if (!rows) return std::move(rows).error();
  return rows->row(0).integer();
}

Result<std::vector<std::string>> Retention::forget(const Table& table, std::int64_t oldest,
                                                   const Context& context) {
  auto transaction = db::Transaction::begin(connection_, context);
  if (!transaction) return std::move(transaction).error();
  std::vector<std::string> paths;
  for (const char* sql : {kKeepMetadata, kForgetFiles, kForgetChanges, kForgetVersions}) {
    auto rows =
        connection_.query(sql, {db::Value::text(table.id), db::Value::integer(oldest)}, context);
    if (!rows) return std::move(rows).error();
    if (rows->column_count() == 0) continue;
    for (int i = 0; i < rows->count(); ++i) paths.push_back(rows->row(i).text());
  }
  if (Status committed = transaction->commit(context); !committed) return committed.error();
  return paths;
}

}  // namespace lakehouse::worker::publish
