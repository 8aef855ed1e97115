// SPDX-License-Identifier: PostgreSQL
// Which files are merged.
#include "worker/publish/compaction.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace lakehouse::worker::publish {
namespace {

constexpr std::int64_t kKilobyte = 1024;

// The newest first, as they are read.
std::vector<LiveFile> files_of(const std::vector<std::int64_t>& kilobytes) {
  std::vector<LiveFile> files;
  for (std::size_t i = kilobytes.size(); i-- > 0;) {
    files.push_back({static_cast<std::int64_t>(i), "f", kilobytes[i] * kKilobyte, 1});
  }
  return files;
}

TEST(Compaction, waits_until_a_tier_has_eight) {
  EXPECT_TRUE(files_to_merge({}).empty());
  EXPECT_TRUE(files_to_merge(files_of({1, 1, 1, 1, 1, 1, 1})).empty());
  EXPECT_EQ(files_to_merge(files_of({1, 1, 1, 1, 1, 1, 1, 255})).size(), 8U);
  EXPECT_TRUE(files_to_merge(files_of({1, 1, 1, 1, 1, 1, 1, 256})).empty());
}

TEST(Compaction, takes_the_oldest_of_the_lowest_tier) {
  const auto merged = files_to_merge(
      files_of({300, 1, 300, 1, 300, 1, 300, 1, 300, 1, 300, 1, 300, 1, 300, 1, 1, 1}));
  ASSERT_EQ(merged.size(), 8U);
  EXPECT_EQ(merged.front().id, 1);
  EXPECT_EQ(merged.back().id, 15);
}

TEST(Compaction, makes_no_file_that_is_too_large) {
  EXPECT_EQ(files_to_merge(files_of(std::vector<std::int64_t>(20, 10'000))).size(), 3U);
  EXPECT_TRUE(files_to_merge(files_of(std::vector<std::int64_t>(20, 17'000))).empty());
}

TEST(Compaction, bounds_the_number_of_small_files) {
  std::vector<std::int64_t> sizes;
  std::size_t most = 0;
  for (int publish = 0; publish < 2'000; ++publish) {
    sizes.push_back(100);
    const auto merged = files_to_merge(files_of(sizes));
    std::int64_t bytes = 0;
    for (const LiveFile& file : merged) {
      bytes += file.bytes / kKilobyte;
      sizes[static_cast<std::size_t>(file.id)] = 0;
    }
    std::erase(sizes, 0);
    if (bytes > 0) sizes.push_back(bytes);
    const auto small = static_cast<std::size_t>(
        std::ranges::count_if(sizes, [](std::int64_t size) { return size < 16'384; }));
    most = std::max(most, small);
  }
  EXPECT_LE(most, 32U);
}

}  // namespace
}  // namespace lakehouse::worker::publish
