// SPDX-License-Identifier: PostgreSQL
// How a load is divided into files.
#include "worker/publish/file_sizes.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace lakehouse::worker::publish {
namespace {

constexpr std::int64_t kMegabyte = 1 << 20;

// Rows of 200 bytes that shrink to a half; sizes of the files of a load.
std::vector<std::int64_t> load(std::int64_t rows, FileSizes sizes) {
  constexpr std::int64_t kBatch = 1'000, kRowBytes = 200;
  std::vector<std::int64_t> files;
  std::int64_t in_file = 0;
  for (std::int64_t done = 0; done < rows; done += kBatch) {
    sizes.add(kBatch, kBatch * kRowBytes);
    in_file += kBatch;
    if (!sizes.is_full()) continue;
    files.push_back(in_file * kRowBytes / 2);
    sizes.end_file(files.back());
    in_file = 0;
  }
  if (in_file > 0) files.push_back(in_file * kRowBytes / 2);
  return files;
}

TEST(FileSizes, grow_small_towards_the_end_of_a_load) {
  const auto files = load(10'000'000, FileSizes(10'000'000));
  ASSERT_GT(files.size(), 28U);
  EXPECT_LT(files.size(), 60U);
  for (std::size_t i = 1; i < 20; ++i) EXPECT_LE(files[i], 33 * kMegabyte) << i;
  EXPECT_LT(files[files.size() - 2], 2 * kMegabyte);
}

TEST(FileSizes, keep_little_in_one_file) { EXPECT_EQ(load(10'000, FileSizes(10'000)).size(), 1U); }

TEST(FileSizes, bear_a_wrong_estimate) {
  EXPECT_LT(load(1'000'000, FileSizes(0)).size(), 100U);
  EXPECT_LT(load(1'000'000, FileSizes(1'000'000'000)).size(), 10U);
}

TEST(FileSizes, leave_one_file_whole) {
  EXPECT_EQ(load(10'000'000, FileSizes::one_file()).size(), 1U);
}

}  // namespace
}  // namespace lakehouse::worker::publish
