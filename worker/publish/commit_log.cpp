// SPDX-License-Identifier: PostgreSQL
// Each commit is noted as stored in a transaction of its own; a death before that is made good by
// comparing.
#include "worker/publish/commit_log.hpp"

#include "core/delta/action.hpp"

namespace lakehouse::worker::publish {
namespace {

// A few a table: a new one is decided only after the last was stored.
constexpr const char* kPending =
    "SELECT v.table_id::text, coalesce(t.store_id::text, ''), t.location, v.version, v.lines "
    "FROM lakehouse.published_versions v JOIN lakehouse.published_tables t ON t.id = v.table_id "
    "WHERE t.tenant_id = $1 AND v.stored_at IS NULL ORDER BY v.table_id, v.version";
constexpr const char* kStored =
    "WITH stored AS (UPDATE lakehouse.published_versions SET stored_at = clock_timestamp(), "
    "lines = NULL WHERE table_id = $1 AND version = $2 AND stored_at IS NULL RETURNING version) "
    "UPDATE lakehouse.published_tables t SET stored_version = s.version FROM stored s "
    "WHERE t.id = $1 AND t.stored_version < s.version";

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
  for (const Pending& commit : *pending) {
    if (failed.contains(commit.table_id)) continue;
    if (Status stored = put(commit, context); !stored) {
      if (stored.error().code == ErrorCode::kCancelled) return stored.error();
      failed.emplace(commit.table_id, stored.error());
      continue;
    }
    if (Status noted = note_stored(commit, context); !noted) return noted.error();
    if (Status reached = steps_.reach("log_written", context); !reached) return reached.error();
  }
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

Status CommitLog::note_stored(const Pending& commit, const Context& context) {
  auto noted = connection_.query(
      {kStored, {db::Value::text(commit.table_id), db::Value::integer(commit.version)}, "stored"},
      context);
  if (!noted) return std::move(noted).error();
  return kDone;
}

}  // namespace lakehouse::worker::publish
