// SPDX-License-Identifier: PostgreSQL
// A checkpoint counts only once _last_checkpoint names it, so a death in between costs nothing.
#include "worker/publish/checkpoints.hpp"

#include <algorithm>
#include <charconv>
#include <vector>

#include "worker/json/value.hpp"

namespace lakehouse::worker::publish {
namespace {

constexpr std::int64_t kVersionsBetween = 50;
constexpr std::size_t kMostLastCheckpointBytes = 64U << 10U;
constexpr std::string_view kCheckpointEnd = ".checkpoint.parquet";

constexpr const char* kNewest =
    "SELECT v.committed_ms, coalesce(v.job_id, 0)::int8, m.metadata::text "
    "FROM lakehouse.published_versions v CROSS JOIN LATERAL (SELECT metadata "
    "FROM lakehouse.published_versions WHERE table_id = $1 AND metadata IS NOT NULL "
    "ORDER BY version DESC LIMIT 1) AS m WHERE v.table_id = $1 AND v.version = $2";
constexpr const char* kFiles =
    "SELECT path, bytes, stats, added_ms, coalesce(removed_ms, -1)::int8 "
    "FROM lakehouse.published_files WHERE table_id = $1 ORDER BY id";
constexpr const char* kOldest =
    "SELECT coalesce(min(version), 0)::int8 FROM lakehouse.published_versions WHERE table_id = $1";

Result<delta::Metadata> parse_metadata(const std::string& text) {
  auto value = json::parse(text);
  if (!value) return std::move(value).error();
  delta::Metadata metadata;
  metadata.id = value->string("id").value_or("");
  metadata.name = value->string("name").value_or("");
  metadata.description = value->string("description").value_or("");
  metadata.schema_json = value->string("schemaString").value_or("");
  for (const json::Member& property : value->object("configuration").members) {
    metadata.configuration.emplace_back(property.name, property.value.text);
  }
  if (const json::Value* created = value->find("createdTime")) {
    const std::string& digits = created->text;
    std::from_chars(digits.data(), digits.data() + digits.size(), metadata.created_ms);
  }
  return metadata;
}

// The version that a file of the log is of: its name begins with twenty digits. -1: none.
std::int64_t version_of(std::string_view name) {
  constexpr std::size_t kDigits = 20;
  name.remove_prefix(name.rfind('/') + 1);
  std::int64_t version = -1;
  if (name.size() <= kDigits || name[kDigits] != '.') return version;
  const auto [end, error] = std::from_chars(name.data(), name.data() + kDigits, version);
  return error == std::errc() && end == name.data() + kDigits ? version : -1;
}

}  // namespace

Status Checkpoints::write_if_due(const Table& table, delta::Store& store, const Context& context) {
  const auto newest = newest_checkpoint(table, store, context);
  if (!newest) return newest.error();
  if (table.version - *newest < kVersionsBetween) return kDone;
  if (Status written = write(table, store, context); !written) return written;
  if (Status reached = steps_.reach("checkpoint_written", context); !reached) return reached;
  return clean_log(table, store, context);
}

// -1: none yet.
Result<std::int64_t> Checkpoints::newest_checkpoint(const Table& table, delta::Store& store,
                                                    const Context& context) {
  const auto text =
      store.get(table.path_of(delta::kLastCheckpointName), kMostLastCheckpointBytes, context);
  if (!text && text.error().code == ErrorCode::kNotFound) return -1;
  if (!text) return text.error();
  const auto value = json::parse(*text);
  const json::Value* version = value ? value->find("version") : nullptr;
  std::int64_t number = -1;
  if (version != nullptr) {
    const std::string& digits = version->text;
    std::from_chars(digits.data(), digits.data() + digits.size(), number);
  }
  return number;
}

Status Checkpoints::write(const Table& table, delta::Store& store, const Context& context) {
  const auto state = read_state(table, context);
  if (!state) return state.error();
  auto upload = store.create(table.path_of(delta::checkpoint_name(table.version)), context);
  if (!upload) return std::move(upload).error();
  const auto written = delta::write_checkpoint(*state, table.version, **upload);
  if (!written) return written.error();
  // One that is there already says the same: its process died before it was named.
  auto finished = (*upload)->finish(delta::IfPresent::kReplace);
  if (!finished) return std::move(finished).error();
  return store.put(table.path_of(delta::kLastCheckpointName), delta::last_checkpoint_json(*written),
                   context);
}

Result<delta::TableState> Checkpoints::read_state(const Table& table, const Context& context) {
  auto rows = connection_.query(
      {kNewest, {db::Value::text(table.id), db::Value::integer(table.version)}, "newest"}, context);
  if (!rows) return std::move(rows).error();
  if (rows->count() != 1) {
    return Error{ErrorCode::kInternal, "the newest version of a table is not known", "", ""};
  }
  db::Row row = rows->row(0);
  const std::int64_t committed_ms = row.integer();
  const std::int64_t job_id = row.integer();
  auto metadata = parse_metadata(row.text());
  if (Status sound = row.finish(); !sound) return std::move(sound).error();
  if (!metadata) return std::move(metadata).error();
  delta::TableState state;
  state.metadata = *std::move(metadata);
  state.transactions.push_back({table.id, job_id, committed_ms});
  if (Status read = read_files(table, state, context); !read) return std::move(read).error();
  return state;
}

Status Checkpoints::read_files(const Table& table, delta::TableState& state,
                               const Context& context) {
  auto rows = connection_.query({kFiles, {db::Value::text(table.id)}, "all_files"}, context);
  if (!rows) return std::move(rows).error();
  for (int i = 0; i < rows->count(); ++i) {
    db::Row row = rows->row(i);
    delta::AddFile file;
    file.path = row.text();
    file.bytes = row.integer();
    file.stats = row.text();
    file.modified_ms = row.integer();
    const std::int64_t removed_ms = row.integer();
    if (Status sound = row.finish(); !sound) return sound;
    if (removed_ms < 0) {
      state.files.push_back(std::move(file));
    } else {
      state.removed.push_back({file.path, file.bytes, removed_ms});
    }
  }
  return kDone;
}

// What comes before the newest checkpoint that no readable version precedes.
Status Checkpoints::clean_log(const Table& table, delta::Store& store, const Context& context) {
  auto oldest = connection_.query({kOldest, {db::Value::text(table.id)}, "oldest"}, context);
  if (!oldest) return std::move(oldest).error();
  const std::int64_t readable = oldest->row(0).integer();
  auto files = store.list(table.path_of("_delta_log/"), context);
  if (!files) return std::move(files).error();
  std::int64_t kept = -1;
  for (const delta::StoredFile& file : *files) {
    const std::int64_t version = version_of(file.name);
    if (file.name.ends_with(kCheckpointEnd) && version <= readable) kept = std::max(kept, version);
  }
  for (const delta::StoredFile& file : *files) {
    const std::int64_t version = version_of(file.name);
    if (version < 0 || version >= kept) continue;
    if (Status removed = store.remove(file.name, context); !removed) return removed;
  }
  return kDone;
}

}  // namespace lakehouse::worker::publish
