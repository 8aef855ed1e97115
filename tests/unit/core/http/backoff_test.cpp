// SPDX-License-Identifier: PostgreSQL
// Retry-After and jitter.
#include <gtest/gtest.h>

#include <algorithm>

#include "core/http/backoff.hpp"

namespace lakehouse::http {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::time_t kNow = 784111777;  // Sun, 06 Nov 1994 08:49:37 GMT

TEST(RetryAfter, reads_seconds) {
  EXPECT_EQ(parse_retry_after("0", kNow), seconds(0));
  EXPECT_EQ(parse_retry_after("120", kNow), seconds(120));
}

TEST(RetryAfter, reads_each_form_of_date) {
  EXPECT_EQ(parse_retry_after("Sun, 06 Nov 1994 08:50:07 GMT", kNow), seconds(30));
  EXPECT_EQ(parse_retry_after("Sunday, 06-Nov-94 08:50:07 GMT", kNow), seconds(30));
  EXPECT_EQ(parse_retry_after("Sun Nov  6 08:50:07 1994", kNow), seconds(30));
}

TEST(RetryAfter, negative_or_past_is_zero) {
  EXPECT_EQ(parse_retry_after("-5", kNow), seconds(0));
  EXPECT_EQ(parse_retry_after("-99999999999999999999", kNow), std::nullopt);
  EXPECT_EQ(parse_retry_after("Sun, 06 Nov 1994 08:00:00 GMT", kNow), seconds(0));
}

TEST(RetryAfter, huge_is_clamped) {
  EXPECT_EQ(parse_retry_after("1000000000", kNow), kMaxRetryAfter);
  EXPECT_EQ(parse_retry_after("99999999999999999999", kNow), kMaxRetryAfter);
  EXPECT_EQ(parse_retry_after("Fri, 31 Dec 2099 23:59:59 GMT", kNow), kMaxRetryAfter);
}

TEST(RetryAfter, nonsense_is_ignored) {
  for (const char* value : {"", "soon", "3 apples", "1.5e", "\xff"}) {
    EXPECT_EQ(parse_retry_after(value, kNow), std::nullopt) << value;
  }
}

TEST(Backoff, stays_below_a_doubling_bound_and_uses_its_range) {
  Backoff backoff(milliseconds(100), milliseconds(1000), 1);
  for (int failures = 1; failures <= 8; ++failures) {
    const milliseconds bound =
        std::min(milliseconds(100) * (1 << (failures - 1)), milliseconds(1000));
    milliseconds least = bound, most{0};
    for (int i = 0; i < 1000; ++i) {
      const milliseconds span = backoff.pick(failures, std::nullopt);
      least = std::min(least, span);
      most = std::max(most, span);
    }
    EXPECT_LE(most, bound);
    EXPECT_GT(most, bound * 9 / 10);
    EXPECT_LT(least, bound / 10);
  }
}

TEST(Backoff, many_failures_do_not_overflow) {
  Backoff backoff(milliseconds(100), std::chrono::hours(24), 1);
  const milliseconds span = backoff.pick(1'000'000, std::nullopt);
  EXPECT_GE(span, milliseconds(0));
  EXPECT_LE(span, std::chrono::hours(24));
}

TEST(Backoff, never_comes_before_retry_after_nor_much_later) {
  Backoff backoff(milliseconds(100), milliseconds(1000), 1);
  for (int i = 0; i < 1000; ++i) {
    const milliseconds span = backoff.pick(1, seconds(5));
    EXPECT_GE(span, seconds(5));
    EXPECT_LE(span, milliseconds(5100));
  }
}

TEST(Backoff, retry_after_of_zero_still_gets_jitter) {
  Backoff backoff(milliseconds(100), milliseconds(1000), 1);
  milliseconds sum{0};
  for (int i = 0; i < 100; ++i) sum += backoff.pick(1, seconds(0));
  EXPECT_GT(sum, milliseconds(1000));
}

}  // namespace
}  // namespace lakehouse::http
