// SPDX-License-Identifier: PostgreSQL
// Filters are read by themselves, since they are most of a row.
#include "worker/publish/live_file.hpp"

namespace lakehouse::worker::publish {
namespace {

constexpr const char* kReadFiles =
    "SELECT id, path, bytes, row_count FROM lakehouse.published_files "
    "WHERE table_id = $1 AND removed_version IS NULL ORDER BY id DESC";
constexpr const char* kReadFilters =
    "SELECT f.key_filter FROM unnest($2::int8[]) WITH ORDINALITY AS wanted (id, number) "
    "JOIN lakehouse.published_files f ON f.table_id = $1 AND f.id = wanted.id ORDER BY number";

}  // namespace

Result<std::vector<LiveFile>> read_live_files(db::Connection& connection,
                                              const std::string& table_id, const Context& context) {
  auto rows = connection.query({kReadFiles, {db::Value::text(table_id)}, "live_files"}, context);
  if (!rows) return std::move(rows).error();
  std::vector<LiveFile> files;
  for (int i = 0; i < rows->count(); ++i) {
    db::Row row = rows->row(i);
    LiveFile file;
    file.id = row.integer();
    file.path = row.text();
    file.bytes = row.integer();
    file.rows = row.integer();
    if (Status sound = row.finish(); !sound) return std::move(sound).error();
    files.push_back(std::move(file));
  }
  return files;
}

Result<std::vector<std::string>> read_key_filters(db::Connection& connection,
                                                  const std::string& table_id,
                                                  const std::vector<std::int64_t>& ids,
                                                  const Context& context) {
  auto rows = connection.query(
      {kReadFilters, {db::Value::text(table_id), db::Value::text(array_text(ids))}, "filters"},
      context);
  if (!rows) return std::move(rows).error();
  std::vector<std::string> filters;
  for (int i = 0; i < rows->count(); ++i) {
    db::Row row = rows->row(i);
    filters.push_back(row.bytes_or_null().value_or(""));
    if (Status sound = row.finish(); !sound) return std::move(sound).error();
  }
  if (filters.size() == ids.size()) return filters;
  return Error{ErrorCode::kInternal, "data files of a published table are missing", "", ""};
}

std::string array_text(const std::vector<std::int64_t>& numbers) {
  std::string text = "{";
  for (const std::int64_t number : numbers) {
    if (text.size() > 1) text += ',';
    text += std::to_string(number);
  }
  return text + '}';
}

}  // namespace lakehouse::worker::publish
