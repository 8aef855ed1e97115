// SPDX-License-Identifier: PostgreSQL
// File first when a key comes, database first when one goes.
#include "worker/secrets/master_keys.hpp"

#include <algorithm>
#include <limits>
#include <set>

#include "core/vault/key_file.hpp"

namespace lakehouse::worker::secrets {
namespace {

constexpr const char* kHighestId =
    "SELECT coalesce(max(key_id), 0) FROM lakehouse.master_key_log WHERE key_id <= 4294967295";
constexpr const char* kNote =
    "INSERT INTO lakehouse.master_key_log (key_id, event) SELECT $1::bigint, $2 WHERE NOT EXISTS "
    "(SELECT FROM lakehouse.master_key_log WHERE key_id = $1::bigint AND event = $2)";
constexpr const char* kList =
    "SELECT key_id, coalesce(to_char(since AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS \"UTC\"'), "
    "''), coalesce(to_char(retired_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS \"UTC\"'), ''), "
    "secrets FROM lakehouse.master_keys ORDER BY key_id";
// Each secret that is written holds a weaker lock from its check to its commit.
constexpr const char* kLockLog = "LOCK TABLE lakehouse.master_key_log IN EXCLUSIVE MODE";
constexpr const char* kCountSecrets =
    "SELECT coalesce(sum(secrets), 0)::bigint FROM lakehouse.master_keys WHERE key_id = $1::bigint";

Error still_needed_error(std::uint32_t id, std::int64_t secrets, std::uint32_t writing) {
  return {
      ErrorCode::kInvalidArgument,
      "master key " + std::to_string(id) + " still encrypts " + std::to_string(secrets) +
          (secrets == 1 ? " secret" : " secrets"),
      "They are encrypted again with key " + std::to_string(writing) + " in the background.",
      "Run \"lakehouse-worker key list\" until it shows 0 secrets; a secret that stays can't be "
      "decrypted here and must be set again."};
}

Error command_error() {
  return {ErrorCode::kInvalidArgument,
          "the master keys come from lakehouse.master_key_command, not from a file", "",
          "Have the command print a further line with a higher key id, then run \"SELECT "
          "pg_reload_conf()\"."};
}

}  // namespace

Result<std::uint32_t> MasterKeys::add(const Context& context) {
  if (!vault_.file()) return command_error();
  auto rows = pool_.query(kHighestId, {}, context);
  if (!rows) return rows.error();
  db::Row row = rows->row(0);
  const std::int64_t logged = row.integer();
  if (Status sound = row.finish(); !sound) return sound.error();
  const auto added = vault::add_key_to_file(*vault_.file(), static_cast<std::uint32_t>(logged));
  if (!added) return added.error();
  if (Status read = vault_.reload(); !read) return read.error();
  log_.write(LogLevel::kInfo, "master key added", context.request_id,
             {{"key_id", std::uint64_t{*added}}});
  static_cast<void>(note_keys(context));  // else at the next look for new keys
  return *added;
}

Result<std::vector<wire::ListedKey>> MasterKeys::list(const Context& context) {
  vault_.refresh();
  auto rows = pool_.query(kList, {}, context);
  if (!rows) return rows.error();
  std::vector<wire::ListedKey> keys;
  std::set<std::uint32_t> here;
  for (const std::uint32_t id : vault_.key_ids()) here.insert(id);
  for (int i = 0; i < rows->count(); ++i) {
    db::Row row = rows->row(i);
    wire::ListedKey key;
    key.id = static_cast<std::uint32_t>(row.integer());
    key.since = row.text();
    key.retired = row.text();
    key.secrets = static_cast<std::uint64_t>(row.integer());
    key.is_here = here.erase(key.id) > 0;
    if (Status sound = row.finish(); !sound) return sound.error();
    keys.push_back(std::move(key));
  }
  for (const std::uint32_t id : here) keys.push_back({id, "", "", true, false, 0});
  std::ranges::sort(keys, {}, &wire::ListedKey::id);
  for (wire::ListedKey& key : keys) key.is_writing = key.id == vault_.writing_key_id();
  return keys;
}

Result<bool> MasterKeys::retire(std::uint32_t id, const Context& context) {
  vault_.refresh();
  if (Status retirable = check_retirable(id); !retirable) return retirable.error();
  if (Status marked = mark_retired(id, context); !marked) return marked.error();
  log_.write(LogLevel::kInfo, "master key retired", context.request_id,
             {{"key_id", std::uint64_t{id}}});
  if (!vault_.file()) return false;
  const auto removed = vault::remove_key_from_file(*vault_.file(), id);
  if (!removed) return removed.error();
  if (Status read = vault_.reload(); !read) return read.error();
  return true;
}

Status MasterKeys::note_keys(const Context& context) {
  for (const std::uint32_t id : vault_.key_ids()) {
    auto noted = pool_.query(kNote, {db::Value::integer(id), db::Value::text("added")}, context);
    if (!noted) return noted.error();
  }
  return kDone;
}

Status MasterKeys::check_retirable(std::uint32_t id) {
  const auto here = vault_.key_ids();
  if (std::ranges::find(here, id) == here.end()) {
    return Error{ErrorCode::kNotFound, "there is no master key " + std::to_string(id), "",
                 "\"lakehouse-worker key list\" shows the keys."};
  }
  if (id == vault_.writing_key_id()) {
    return Error{ErrorCode::kInvalidArgument,
                 "master key " + std::to_string(id) + " encrypts new secrets", "",
                 "Make another one first: lakehouse-worker key add."};
  }
  return kDone;
}

Status MasterKeys::mark_retired(std::uint32_t id, const Context& context) {
  auto lease = pool_.acquire(context);
  if (!lease) return lease.error();
  auto transaction = db::Transaction::begin(**lease, context);
  if (!transaction) return transaction.error();
  if (auto locked = (*lease)->query(kLockLog, {}, context); !locked) return locked.error();
  auto rows = (*lease)->query(kCountSecrets, {db::Value::integer(id)}, context);
  if (!rows) return rows.error();
  db::Row row = rows->row(0);
  const std::int64_t secrets = row.integer();
  if (Status sound = row.finish(); !sound) return sound.error();
  if (secrets > 0) return still_needed_error(id, secrets, vault_.writing_key_id());
  auto noted =
      (*lease)->query(kNote, {db::Value::integer(id), db::Value::text("retired")}, context);
  if (!noted) return noted.error();
  return transaction->commit(context);
}

}  // namespace lakehouse::worker::secrets
