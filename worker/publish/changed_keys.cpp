// SPDX-License-Identifier: PostgreSQL
// Keys are told apart by their digests; their texts are kept beside, to ask for their rows.
#include "worker/publish/changed_keys.hpp"

#include <algorithm>

#include "core/delta/row_digests.hpp"

namespace lakehouse::worker::publish {
namespace {

constexpr std::size_t kMostBytes = 64U << 20U;

constexpr const char* kCount =
    "SELECT count(*), coalesce(bool_or(key IS NULL), false)::int4, "
    "coalesce(sum(pg_column_size(key)), 0)::int8 "
    "FROM lakehouse.captured_changes WHERE table_id = $1";
constexpr const char* kCountDistinct =
    "SELECT count(*), coalesce(sum(pg_column_size(key)), 0)::int8 FROM (SELECT DISTINCT key "
    "FROM lakehouse.captured_changes WHERE table_id = $1 LIMIT $2::int8 + 1) AS noted";
constexpr const char* kForget = "DELETE FROM lakehouse.captured_changes WHERE table_id = $1";

// A column for each of the key's: SELECT DISTINCT key[1], key[2] …
std::string key_query(std::size_t columns) {
  std::string sql = "SELECT DISTINCT ";
  for (std::size_t i = 1; i <= columns; ++i) {
    sql += (i == 1 ? "key[" : ", key[") + std::to_string(i) + "]";
  }
  return sql + " FROM lakehouse.captured_changes WHERE table_id = $1";
}

bool is_too_much(std::int64_t keys, std::int64_t bytes) {
  return keys > static_cast<std::int64_t>(kMostChangedKeys) ||
         bytes > static_cast<std::int64_t>(kMostBytes);
}

// Whether they are too many although each is counted once.
Result<bool> are_too_many(db::Connection& connection, const Table& table, const Context& context) {
  auto counted = connection.query(
      {kCountDistinct,
       {db::Value::text(table.id), db::Value::integer(static_cast<std::int64_t>(kMostChangedKeys))},
       "distinct"},
      context);
  if (!counted) return std::move(counted).error();
  db::Row row = counted->row(0);
  const std::int64_t keys = row.integer();
  const std::int64_t bytes = row.integer();
  if (Status sound = row.finish(); !sound) return std::move(sound).error();
  return is_too_much(keys, bytes);
}

Status read_keys(db::Connection& connection, const Table& table, ChangedKeys& keys,
                 const Context& context) {
  const std::size_t columns = table.key.size();
  const auto take = [&](const db::Rows& row) -> Status {
    std::vector<std::string> values;
    for (std::size_t i = 0; i < columns; ++i) {
      values.emplace_back(row.cell(0, static_cast<int>(i)).value_or(""));
    }
    keys.add(values);
    return kDone;
  };
  return connection.stream(key_query(columns).c_str(), {db::Value::text(table.id)}, take, context);
}

}  // namespace

bool ChangedKeys::add(const std::vector<std::string>& values) {
  const bool is_new = keys_.try_emplace(delta::key_digest(values)).second;
  if (!is_new) return true;
  for (std::size_t i = 0; i < texts_.size(); ++i) {
    texts_[i].push_back(values[i]);
    bytes_ += values[i].size();
  }
  return keys_.size() <= kMostChangedKeys && bytes_ <= kMostBytes;
}

bool ChangedKeys::add_gone(const delta::Digest& digest) {
  keys_.try_emplace(digest);
  return keys_.size() <= kMostChangedKeys;
}

ChangedKeys::Key* ChangedKeys::find(const delta::Digest& digest) {
  const auto found = keys_.find(digest);
  return found == keys_.end() ? nullptr : &found->second;
}

template <typename Wanted>
std::vector<std::uint64_t> ChangedKeys::hashes(Wanted wanted) const {
  std::vector<std::uint64_t> hashes;
  for (const auto& [digest, key] : keys_) {
    if (wanted(key)) hashes.push_back(digest.low);
  }
  std::sort(hashes.begin(), hashes.end());
  return hashes;
}

std::vector<std::uint64_t> ChangedKeys::unfound_hashes() const {
  return hashes([](const Key& key) { return !key.was_there; });
}

std::vector<std::uint64_t> ChangedKeys::changed_hashes() const {
  return hashes([](const Key& key) { return key.is_changed(); });
}

ChangedKeys::Keys ChangedKeys::slice(std::size_t first, std::size_t count) const {
  Keys keys(texts_.size());
  for (std::size_t i = 0; i < texts_.size(); ++i) {
    const auto& texts = texts_[i];
    if (first >= texts.size()) return {};
    const std::size_t end = std::min(first + count, texts.size());
    keys[i].assign(texts.begin() + static_cast<std::ptrdiff_t>(first),
                   texts.begin() + static_cast<std::ptrdiff_t>(end));
  }
  return keys;
}

Result<Captured> read_captured(db::Connection& connection, const Table& table,
                               const Context& context) {
  auto counted = connection.query({kCount, {db::Value::text(table.id)}, "captured"}, context);
  if (!counted) return std::move(counted).error();
  db::Row row = counted->row(0);
  Captured captured{row.integer(), row.integer() != 0, ChangedKeys(table.key.size())};
  const std::int64_t bytes = row.integer();
  if (Status sound = row.finish(); !sound) return std::move(sound).error();
  if (!captured.is_everything && is_too_much(captured.notes, bytes)) {
    const auto too_many = are_too_many(connection, table, context);
    if (!too_many) return too_many.error();
    captured.is_everything = *too_many;
  }
  if (captured.is_everything || captured.notes == 0) return captured;
  if (Status read = read_keys(connection, table, captured.keys, context); !read) {
    return std::move(read).error();
  }
  return captured;
}

Status forget_captured(db::Connection& connection, const Table& table, const Context& context) {
  auto done = connection.query({kForget, {db::Value::text(table.id)}, "forget"}, context);
  if (!done) return std::move(done).error();
  return kDone;
}

}  // namespace lakehouse::worker::publish
