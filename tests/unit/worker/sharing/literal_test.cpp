// SPDX-License-Identifier: PostgreSQL
// Numbers, dates and times of a hint against those of statistics.
#include "worker/sharing/literal.hpp"

#include <gtest/gtest.h>

namespace lakehouse::worker::sharing {
namespace {

constexpr auto kLess = std::partial_ordering::less, kGreater = std::partial_ordering::greater,
               kSame = std::partial_ordering::equivalent,
               kUnknown = std::partial_ordering::unordered;

TEST(SharingLiteral, compares_numbers_digit_by_digit) {
  EXPECT_EQ(compare_numbers("9007199254740993", "9007199254740992"), kGreater);
  EXPECT_EQ(compare_numbers("-9223372036854775808", "-9223372036854775807"), kLess);
  EXPECT_EQ(compare_numbers("99999999999999999999999999999999999999", "1e38"), kLess);
  EXPECT_EQ(compare_numbers("0.10", "0.1"), kSame);
  EXPECT_EQ(compare_numbers("1.50e2", "150"), kSame);
  EXPECT_EQ(compare_numbers("+007", "7.0"), kSame);
  EXPECT_EQ(compare_numbers("-0", "0.000"), kSame);
  EXPECT_EQ(compare_numbers("0", "0.001"), kLess);
  EXPECT_EQ(compare_numbers("-0.001", "0"), kLess);
  EXPECT_EQ(compare_numbers("-2", "-10"), kGreater);
  EXPECT_EQ(compare_numbers("0.00012", "1.3e-4"), kLess);
}

TEST(SharingLiteral, takes_nothing_else_for_a_number) {
  for (const char* text : {"", "x", "1x", "1e", "1e9999", "--1", ".", "NaN", "0x10", "1 "}) {
    EXPECT_EQ(compare_numbers(text, "1"), kUnknown) << text;
    EXPECT_EQ(compare_numbers("1", text), kUnknown) << text;
  }
}

TEST(SharingLiteral, compares_by_the_columns_type) {
  EXPECT_EQ(compare("string", "10", "9"), kLess);
  EXPECT_EQ(compare("long", "10", "9"), kGreater);
  EXPECT_EQ(compare("decimal(9,2)", "10.50", "10.5"), kSame);
  EXPECT_EQ(compare("date", "2026-01-02", "2026-01-10"), kLess);
  EXPECT_EQ(compare("date", "2026-1-2", "2026-01-10"), kUnknown);
  EXPECT_EQ(compare("timestamp", "2026-01-01T01:00:00+01:00", "2026-01-01T00:00:00.000Z"), kSame);
  EXPECT_EQ(compare("timestamp", "2026-01-01 00:00:00", "2026-01-01T00:00:00.000Z"), kUnknown);
  EXPECT_EQ(compare("boolean", "true", "true"), kUnknown);
  EXPECT_EQ(compare("long", "ten", "10"), kUnknown);
}

TEST(SharingLiteral, tells_no_near_reals_apart) {
  EXPECT_EQ(compare("float", "0.1", "0.1"), kUnknown);
  EXPECT_EQ(compare("float", "0.10000000149", "0.1"), kUnknown);
  EXPECT_EQ(compare("double", "0.2", "0.1"), kGreater);
  EXPECT_EQ(compare("double", "-1e300", "0"), kLess);
}

}  // namespace
}  // namespace lakehouse::worker::sharing
