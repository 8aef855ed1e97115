// SPDX-License-Identifier: PostgreSQL
// Each pass takes the keys whose digests lie in one part of the range, so many that the rows of the
// files fit into memory.
#include "worker/publish/comparison.hpp"

#include <algorithm>

#include "core/delta/row_digests.hpp"
#include "worker/publish/unique_keys.hpp"

namespace lakehouse::worker::publish {
namespace {

// 32 bytes each.
constexpr std::int64_t kRowsPerPass = 3'000'000;

Error too_much_error() { return {ErrorCode::kCapExceeded, "too many rows have changed", "", ""}; }

}  // namespace

Comparison::Comparison(const TableWork& work, RowSource& source)
    : work_(work), source_(source), keys_(work.key.size()) {}

Result<std::optional<ChangedKeys>> Comparison::run(const Context& context) {
  work_.progress.begin_phase("comparing rows");
  auto live = read_live_files(work_.catalog, work_.table.id, context);
  if (!live) return std::move(live).error();
  files_ = *std::move(live);
  std::int64_t rows = 0;
  for (const LiveFile& file : files_) rows += file.rows;
  passes_ = static_cast<std::uint64_t>(rows / kRowsPerPass + 1);
  for (pass_ = 0; pass_ < passes_; ++pass_) {
    const Status done = run_pass(context);
    if (is_too_much_) return std::optional<ChangedKeys>();
    if (!done) return done.error();
  }
  return std::optional<ChangedKeys>(std::move(keys_));
}

Status Comparison::run_pass(const Context& context) {
  rows_.clear();
  for (const LiveFile& file : files_) {
    if (Status read = read_file(file, context); !read) return read;
  }
  std::ranges::sort(rows_, {}, &Row::key);
  const auto take = [this](const delta::Batch& batch) { return compare(batch); };
  if (Status read = source_.read_all(take, context); !read) return read;
  for (const Row& row : rows_) {
    if (row.is_seen || keys_.add_gone(row.key)) continue;
    is_too_much_ = true;
    return too_much_error();
  }
  return kDone;
}

Status Comparison::read_file(const LiveFile& file, const Context& context) {
  auto open = open_data_file(work_.folder, file, work_.columns.schema, context);
  if (!open) return std::move(open).error();
  for (;;) {
    auto batch = open->reader->next();
    if (!batch) return std::move(batch).error();
    if (!batch->has_value()) return kDone;
    auto keys = delta::key_digests(**batch, work_.key);
    if (!keys) return std::move(keys).error();
    const auto digests = delta::row_digests(**batch);
    for (std::size_t i = 0; i < digests.size(); ++i) {
      if (is_in_pass((*keys)[i])) rows_.push_back({(*keys)[i], digests[i].high, false});
    }
    if (context.stop.stop_requested()) return cancelled_error();
  }
}

Status Comparison::compare(const delta::Batch& batch) {
  auto keys = delta::key_digests(batch, work_.key);
  if (!keys) return std::move(keys).error();
  const auto digests = delta::row_digests(batch);
  for (std::size_t i = 0; i < digests.size(); ++i) {
    if (!is_in_pass((*keys)[i])) continue;
    Row* old_row = find((*keys)[i]);
    if (old_row != nullptr && old_row->is_seen) return duplicate_key_error(work_.table);
    if (old_row != nullptr) old_row->is_seen = true;
    if (old_row != nullptr && old_row->row == digests[i].high) continue;
    if (keys_.add(delta::key_values(batch, work_.key, static_cast<std::int64_t>(i)))) continue;
    is_too_much_ = true;
    return too_much_error();
  }
  work_.progress.add_rows(batch.rows());
  return kDone;
}

bool Comparison::is_in_pass(const delta::Digest& key) const { return key.high % passes_ == pass_; }

Comparison::Row* Comparison::find(const delta::Digest& key) {
  const auto found = std::ranges::lower_bound(rows_, key, {}, &Row::key);
  return found == rows_.end() || found->key != key ? nullptr : &*found;
}

}  // namespace lakehouse::worker::publish
