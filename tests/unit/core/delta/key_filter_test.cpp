// SPDX-License-Identifier: PostgreSQL
// A filter denies no key that is there, and few others; damaged bytes are told.
#include "core/delta/key_filter.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "core/delta/row_digests.hpp"

namespace lakehouse::delta {
namespace {

std::vector<std::uint64_t> hashes_of(std::size_t first, std::size_t count) {
  std::vector<std::uint64_t> hashes;
  for (std::size_t i = first; i < first + count; ++i) {
    hashes.push_back(key_digest(std::vector<std::string>{std::to_string(i)}).low);
  }
  return hashes;
}

bool holds(const std::string& filter, std::uint64_t hash) {
  const auto held = may_hold_any(filter, std::vector{hash});
  EXPECT_TRUE(held.is_ok());
  return held.is_ok() && *held;
}

TEST(KeyFilter, never_denies_a_key_that_is_there) {
  for (const std::size_t count : {1U, 2U, 3U, 100U, 4099U}) {
    const auto hashes = hashes_of(0, count);
    const std::string filter = make_key_filter(hashes);
    for (const std::uint64_t hash : hashes) ASSERT_TRUE(holds(filter, hash)) << count;
  }
}

TEST(KeyFilter, holds_nothing_when_it_is_empty) {
  const std::string filter = make_key_filter({});
  EXPECT_FALSE(holds(filter, 0));
  EXPECT_FALSE(holds(filter, ~std::uint64_t{0}));
}

TEST(KeyFilter, takes_the_extremes_and_the_same_hash_twice) {
  const std::string filter = make_key_filter({~std::uint64_t{0}, 0, 7, 7, 7});
  for (const std::uint64_t hash : {~std::uint64_t{0}, std::uint64_t{0}, std::uint64_t{7}}) {
    EXPECT_TRUE(holds(filter, hash));
  }
}

TEST(KeyFilter, takes_few_foreign_keys_for_present_whatever_the_number_of_keys) {
  for (const std::size_t count : {1'000U, 100'000U}) {
    const std::string filter = make_key_filter(hashes_of(0, count));
    EXPECT_LT(static_cast<double>(filter.size()) / static_cast<double>(count), 2.3);
    constexpr std::size_t kRounds = 400, kForeign = 1'000;
    std::size_t hits = 0;
    for (std::size_t round = 0; round < kRounds; ++round) {
      auto foreign = hashes_of(1'000'000 + round * kForeign, kForeign);
      std::sort(foreign.begin(), foreign.end());
      // About one batch in sixty-five has one that seems to be there.
      hits += *may_hold_any(filter, foreign) ? 1 : 0;
    }
    EXPECT_LT(hits, 16U) << count;
  }
}

TEST(KeyFilter, finds_one_key_among_many_that_are_not_there) {
  const std::string filter = make_key_filter(hashes_of(0, 10'000));
  auto sought = hashes_of(20'000, 100);
  sought.push_back(hashes_of(9'999, 1).front());
  std::sort(sought.begin(), sought.end());
  EXPECT_TRUE(*may_hold_any(filter, sought));
}

TEST(KeyFilter, refuses_damaged_bytes) {
  const std::string filter = make_key_filter(hashes_of(0, 1'000));
  for (std::size_t size = 0; size < filter.size(); ++size) {
    const auto held = may_hold_any(std::string_view(filter).substr(0, size), {});
    ASSERT_FALSE(held.is_ok()) << size;
    EXPECT_EQ(held.error().code, ErrorCode::kInvalidResponse);
  }
  EXPECT_FALSE(may_hold_any(filter + "x", {}).is_ok());
  std::string other_format = filter;
  other_format[0] = 2;
  EXPECT_FALSE(may_hold_any(other_format, {}).is_ok());
}

TEST(KeyFilter, survives_any_bytes) {
  std::mt19937 random(7);
  const std::string filter = make_key_filter(hashes_of(0, 200));
  for (int round = 0; round < 2'000; ++round) {
    std::string bytes = filter;
    for (int i = 0; i < 3; ++i) bytes[random() % bytes.size()] = static_cast<char>(random());
    static_cast<void>(may_hold_any(bytes, hashes_of(0, 3)));
  }
}

}  // namespace
}  // namespace lakehouse::delta
