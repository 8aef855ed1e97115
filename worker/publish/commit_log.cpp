// SPDX-License-Identifier: PostgreSQL
// The commits of a publish are noted as stored by one statement, so that clients of the sharing
// server see all its tables or none; a death before that is made good by comparing.
#include "worker/publish/commit_log.hpp"

#include "core/delta/action.hpp"
#include "worker/publish/live_file.hpp"
#include "worker/publish/table.hpp"

namespace lakehouse::worker::publish {
namespace {

// A few a table: a new one is decided only after the last was stored.
constexpr const char* kPending =
    "SELECT v.table_id::text, coalesce(t.store_id::text, ''), t.location, v.version, v.lines "
    "FROM lakehouse.published_versions v JOIN lakehouse.published_tables t ON t.id = v.table_id "
    "WHERE t.tenant_id = $1 AND v.stored_at IS NULL ORDER BY v.table_id, v.version";
constexpr const char* kStored =
    "WITH stored AS (UPDATE lakehouse.published_versions v SET stored_at = clock_timestamp(), "
    "lines = NULL FROM ROWS FROM (unnest($1::uuid[]), unnest($2::int8[])) AS c (table_id, version) "
    "WHERE v.table_id = c.table_id AND v.version = c.version AND v.stored_at IS NULL "
    "RETURNING v.table_id, v.version) "
    "UPDATE lakehouse.published_tables t SET stored_version = s.version "
    "FROM (SELECT table_id, max(version) AS version FROM stored GROUP BY table_id) AS s "
    "WHERE t.id = s.table_id AND t.stored_version < s.version";

Error foreign_commit_error(const std::string& name) {
  return {ErrorCode::kInvalidResponse, "the log has a commit that is not ours",
          "File \"" + name + "\" was written by another.",
          "Publish the table into a new folder with lakehouse.restart_publishing()."};
}

}  // namespace

Result<std::map<std::string, Error>> CommitLog::store_pending(const std::string& tenant_id,
                                                              const Context& context) {
  auto pending = read_pending(tenant_id, context);
  if (!pending) return std::move(pending).error();
  std::map<std::string, Error> failed;
  std::vector<Pending> stored_ones;
  // None of its commits is noted, so after one that failed no more are tried.
  std::map<std::string, Error> troubled_stores;
  for (const Pending& commit : *pending) {
    if (failed.contains(commit.table_id)) continue;
    if (const auto trouble = troubled_stores.find(commit.store_id);
        trouble != troubled_stores.end()) {
      failed.emplace(commit.table_id, trouble->second);
      continue;
    }
    if (Status stored = put(commit, context); !stored) {
      if (stored.error().code == ErrorCode::kCancelled) return stored.error();
      if (stored.error().code != ErrorCode::kInvalidResponse) {
        troubled_stores.emplace(commit.store_id, stored.error());
      }
      failed.emplace(commit.table_id, stored.error());
      continue;
    }
    stored_ones.push_back(commit);
    if (Status reached = steps_.reach("log_written", context); !reached) return reached.error();
  }
  std::erase_if(stored_ones,
                [&](const Pending& commit) { return troubled_stores.contains(commit.store_id); });
  if (Status noted = note_stored(stored_ones, context); !noted) return noted.error();
  return failed;
}

Result<std::vector<CommitLog::Pending>> CommitLog::read_pending(const std::string& tenant_id,
                                                                const Context& context) {
  auto rows = connection_.query({kPending, {db::Value::text(tenant_id)}, "pending"}, context);
  if (!rows) return std::move(rows).error();
  std::vector<Pending> pending;
  for (int i = 0; i < rows->count(); ++i) {
    db::Row row = rows->row(i);
    Pending commit;
    commit.table_id = row.text();
    commit.store_id = row.text();
    commit.location = row.text();
    commit.version = row.integer();
    commit.lines = row.text();
    if (Status sound = row.finish(); !sound) return std::move(sound).error();
    pending.push_back(std::move(commit));
  }
  return pending;
}

Status CommitLog::put(const Pending& commit, const Context& context) {
  auto store = stores_.find(commit.store_id, context);
  if (!store) return std::move(store).error();
  const std::string name = commit.location + '/' + delta::commit_name(commit.version);
  const auto is_new = (*store)->put_if_absent(name, commit.lines, context);
  if (!is_new) return is_new.error();
  if (*is_new) return kDone;
  const auto content = (*store)->get(name, commit.lines.size(), context);
  if (content && *content == commit.lines) return kDone;
  if (!content && content.error().code != ErrorCode::kCapExceeded) return content.error();
  return foreign_commit_error(name);
}

Status CommitLog::note_stored(const std::vector<Pending>& commits, const Context& context) {
  if (commits.empty()) return kDone;
  std::vector<std::string> tables;
  std::vector<std::int64_t> versions;
  for (const Pending& commit : commits) {
    tables.push_back(commit.table_id);
    versions.push_back(commit.version);
  }
  auto noted = connection_.query(
      {kStored,
       {db::Value::text(array_text(tables)), db::Value::text(array_text(versions))},
       "stored"},
      context);
  if (!noted) return std::move(noted).error();
  return kDone;
}

}  // namespace lakehouse::worker::publish
