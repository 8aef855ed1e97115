// SPDX-License-Identifier: PostgreSQL
// Only names that DataFiles gives are removed, so that what others keep in the folder stays.
#include "worker/publish/sweep.hpp"

#include <map>
#include <unordered_set>

namespace lakehouse::worker::publish {
namespace {

constexpr const char* kKnown =
    "SELECT path FROM lakehouse.published_files WHERE table_id = $1 "
    "UNION ALL SELECT path FROM lakehouse.published_change_files WHERE table_id = $1";
// Somebody with a link may be reading from an object store for a while; the directory's files end
// with the table. A publish of the tenant has a session of this name.
constexpr const char* kAbandoned =
    "SELECT id, coalesce(store_id::text, ''), location FROM lakehouse.abandoned_folders "
    "WHERE (store_id IS NULL OR abandoned_at < now() - interval '2 hours') "
    "AND NOT EXISTS (SELECT FROM pg_stat_activity WHERE usename = current_user "
    "AND application_name = 'lakehouse publish ' || tenant_id) "
    "ORDER BY id FOR UPDATE SKIP LOCKED";
constexpr const char* kForget = "DELETE FROM lakehouse.abandoned_folders WHERE id = $1";

bool is_ours(std::string_view path) {
  return path.starts_with("part-") || path.starts_with("_change_data/cdc-");
}

}  // namespace

Result<std::int64_t> Sweep::clean_table(const Table& table, const Context& context) {
  auto store = stores_.find(table.store_id, context);
  if (!store) return std::move(store).error();
  std::unordered_set<std::string> known;
  const auto take = [&known](const db::Rows& row) -> Status {
    known.emplace(row.cell(0, 0).value_or(""));
    return kDone;
  };
  const Status read = connection_.stream(kKnown, {db::Value::text(table.id)}, take, context);
  if (!read) return read.error();
  const std::string folder = table.location + '/';
  auto files = (*store)->list(folder, context);
  if (!files) return std::move(files).error();
  std::int64_t removed = 0;
  for (const delta::StoredFile& file : *files) {
    const std::string path = file.name.substr(folder.size());
    if (!is_ours(path) || known.contains(path)) continue;
    if (Status gone = (*store)->remove(file.name, context); !gone) return gone.error();
    ++removed;
  }
  const auto unfinished = (*store)->remove_unfinished(folder, std::chrono::seconds(0), context);
  if (!unfinished) return unfinished.error();
  return removed + *unfinished;
}

Result<std::int64_t> Sweep::empty_abandoned_folders(const Context& context) {
  auto transaction = db::Transaction::begin(connection_, context);
  if (!transaction) return std::move(transaction).error();
  auto rows = connection_.query(kAbandoned, {}, context);
  if (!rows) return std::move(rows).error();
  std::int64_t removed = 0;
  std::map<std::string, Error> failing;  // stores: the others' folders are emptied all the same
  for (int i = 0; i < rows->count(); ++i) {
    db::Row row = rows->row(i);
    const std::int64_t id = row.integer();
    const std::string store_id = row.text();
    const std::string location = row.text();
    if (Status sound = row.finish(); !sound) return std::move(sound).error();
    if (failing.contains(store_id)) continue;
    auto emptied = empty_folder(store_id, location, context);
    if (!emptied) {
      failing.emplace(store_id, std::move(emptied).error());
      continue;
    }
    removed += *emptied;
    auto forgotten =
        connection_.query({kForget, {db::Value::integer(id)}, "forget_abandoned"}, context);
    if (!forgotten) return std::move(forgotten).error();
  }
  if (Status committed = transaction->commit(context); !committed) return committed.error();
  if (!failing.empty()) return failing.begin()->second;
  return removed;
}

// Nothing is in a store that is gone with its tenant, as far as we can reach.
Result<std::int64_t> Sweep::empty_folder(const std::string& store_id, const std::string& location,
                                         const Context& context) {
  auto found = stores_.find(store_id, context);
  if (!found && found.error().code == ErrorCode::kNotFound) return 0;
  if (!found) return std::move(found).error();
  delta::Store& store = **found;
  const std::string folder = location + '/';
  auto files = store.list(folder, context);
  if (!files) return std::move(files).error();
  for (const delta::StoredFile& file : *files) {
    if (Status gone = store.remove(file.name, context); !gone) return gone.error();
  }
  const auto unfinished = store.remove_unfinished(folder, std::chrono::seconds(0), context);
  if (!unfinished) return unfinished.error();
  for (const char* below : {"/_delta_log", "/_change_data", ""}) {
    if (Status gone = store.remove_folder(location + below, context); !gone) return gone.error();
  }
  return static_cast<std::int64_t>(files->size()) + *unfinished;
}

}  // namespace lakehouse::worker::publish
