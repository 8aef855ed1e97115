// SPDX-License-Identifier: PostgreSQL
// A tier has files up to four times as large as the one below. Eight of a tier become one, which is
// of a higher tier; so a row is written anew a few times only, until its file is large.
#include "worker/publish/compaction.hpp"

#include <algorithm>
#include <array>

#include "core/delta/row_digests.hpp"

namespace lakehouse::worker::publish {
namespace {

constexpr std::int64_t kSmallest = 256 << 10;
constexpr std::int64_t kFactor = 4;
constexpr std::int64_t kLargestResult = 32 << 20;
constexpr std::size_t kAtOnce = 8;
// Two of the next one would be more than a result may have.
constexpr std::size_t kTiers = 4;

std::size_t tier_of(std::int64_t bytes) {
  std::size_t tier = 0;
  for (std::int64_t limit = kSmallest; bytes >= limit; limit *= kFactor) ++tier;
  return tier;
}

Status copy_rows(const TableWork& work, const LiveFile& file, DataFiles& into,
                 const Context& context) {
  auto open = open_data_file(work.folder, file, work.columns.schema, context);
  if (!open) return std::move(open).error();
  for (;;) {
    auto batch = open->reader->next();
    if (!batch) return std::move(batch).error();
    if (!batch->has_value()) return kDone;
    auto keys = delta::key_digests(**batch, work.key);
    if (!keys) return std::move(keys).error();
    if (Status written = into.write(**batch, *keys, context); !written) return written;
    if (context.stop.stop_requested()) return cancelled_error();
  }
}

}  // namespace

// The lowest tier that has enough; of its oldest files as many as one may hold.
std::vector<LiveFile> files_to_merge(const std::vector<LiveFile>& files) {
  std::array<std::vector<LiveFile>, kTiers> tiers;
  for (auto file = files.rbegin(); file != files.rend(); ++file) {
    const std::size_t tier = tier_of(file->bytes);
    if (tier < kTiers && tiers[tier].size() < kAtOnce) tiers[tier].push_back(*file);
  }
  const auto full = std::ranges::find(tiers, kAtOnce, &std::vector<LiveFile>::size);
  if (full == tiers.end()) return {};
  std::int64_t bytes = 0;
  const auto is_too_much = [&bytes](const LiveFile& file) {
    return (bytes += file.bytes) > kLargestResult;
  };
  full->erase(std::ranges::find_if(*full, is_too_much), full->end());
  return std::move(*full);
}

Result<std::optional<Version>> compact(const TableWork& work, const Context& context) {
  auto live = read_live_files(work.catalog, work.table.id, context);
  if (!live) return std::move(live).error();
  Version version;
  version.operation = Operation::kOptimize;
  version.removed = files_to_merge(*live);
  if (version.removed.empty()) return std::optional<Version>();
  work.progress.begin_phase("merging small files");
  DataFiles merged(DataFiles::Kind::kData, work.columns.schema, work.folder, FileSizes::one_file());
  for (const LiveFile& file : version.removed) {
    if (Status copied = copy_rows(work, file, merged, context); !copied) return copied.error();
  }
  auto added = merged.finish(context);
  if (!added) return std::move(added).error();
  version.added = *std::move(added);
  return std::optional<Version>(std::move(version));
}

}  // namespace lakehouse::worker::publish
