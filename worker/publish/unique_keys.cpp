// SPDX-License-Identifier: PostgreSQL
// Each pass takes the keys whose digests lie in one part of the range.
#include "worker/publish/unique_keys.hpp"

#include <algorithm>

#include "core/delta/row_digests.hpp"

namespace lakehouse::worker::publish {
namespace {

// 16 bytes each.
constexpr std::int64_t kKeysPerPass = 4'000'000;

struct Part {
  std::uint64_t number, count;

  bool holds(const delta::Digest& key) const { return key.high % count == number; }
};

Status read_keys(const TableWork& work, const DataFile& file, Part part,
                 std::vector<delta::Digest>& keys, const Context& context) {
  delta::Schema schema;
  std::vector<std::size_t> places;
  for (const std::size_t place : work.key) {
    places.push_back(schema.columns.size());
    schema.columns.push_back(work.columns.schema.columns[place]);
  }
  auto open =
      open_data_file(work.folder, LiveFile{0, file.path, file.bytes, file.rows}, schema, context);
  if (!open) return std::move(open).error();
  for (;;) {
    auto batch = open->reader->next();
    if (!batch) return std::move(batch).error();
    if (!batch->has_value()) return kDone;
    auto digests = delta::key_digests(**batch, places);
    if (!digests) return std::move(digests).error();
    std::ranges::copy_if(*digests, std::back_inserter(keys),
                         [part](const delta::Digest& key) { return part.holds(key); });
    if (context.stop.stop_requested()) return cancelled_error();
  }
}

}  // namespace

Status check_unique_keys(const TableWork& work, const std::vector<DataFile>& files,
                         const Context& context) {
  std::int64_t rows = 0;
  for (const DataFile& file : files) rows += file.rows;
  const auto count = static_cast<std::uint64_t>(rows / kKeysPerPass + 1);
  std::vector<delta::Digest> keys;
  keys.reserve(static_cast<std::size_t>(std::min(rows, kKeysPerPass + kKeysPerPass / 16)));
  for (std::uint64_t number = 0; number < count; ++number) {
    keys.clear();
    for (const DataFile& file : files) {
      if (Status read = read_keys(work, file, {number, count}, keys, context); !read) return read;
    }
    std::ranges::sort(keys);
    if (std::ranges::adjacent_find(keys) != keys.end()) return duplicate_key_error(work.table);
  }
  return kDone;
}

Error duplicate_key_error(const Table& table) {
  std::string key;
  for (const std::string& name : table.key) key += (key.empty() ? "\"" : "\", \"") + name;
  return {ErrorCode::kInvalidArgument, "two rows of a published table have the same key",
          "The key is (" + key + "\").",
          "Add the table to its share with a key that tells its rows apart."};
}

}  // namespace lakehouse::worker::publish
