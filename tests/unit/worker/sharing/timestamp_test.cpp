// SPDX-License-Identifier: PostgreSQL
// Timestamps of requests and of profiles.
#include "worker/sharing/timestamp.hpp"

#include <gtest/gtest.h>

namespace lakehouse::worker::sharing {
namespace {

constexpr std::int64_t kNewYear = 1'767'225'600'000'000;  // 2026-01-01T00:00:00Z

TEST(SharingTimestamp, takes_iso_8601_with_a_zone) {
  EXPECT_EQ(parse_timestamp("2026-01-01T00:00:00Z"), kNewYear);
  EXPECT_EQ(parse_timestamp("2026-01-01 00:00:00z"), kNewYear);
  EXPECT_EQ(parse_timestamp("2026-01-01T00:00:00.5Z"), kNewYear + 500'000);
  EXPECT_EQ(parse_timestamp("2026-01-01T00:00:00.1234567Z"), kNewYear + 123'456);
  EXPECT_EQ(parse_timestamp("2026-01-01T01:30:00+01:30"), kNewYear);
  EXPECT_EQ(parse_timestamp("2025-12-31T16:00:00-0800"), kNewYear);
  EXPECT_EQ(parse_timestamp("1969-12-31T23:59:59Z"), -1'000'000);
}

TEST(SharingTimestamp, refuses_what_could_mean_many_times) {
  for (const char* text :
       {"", "2026-01-01", "2026-01-01T00:00:00", "2026-01-01T00:00Z", "2026-13-01T00:00:00Z",
        "2026-02-29T00:00:00Z", "2026-01-01T24:00:00Z", "2026-01-01T00:00:60Z",
        "2026-01-01T00:00:00.Z", "2026-01-01T00:00:00+19:00", "2026-01-01T00:00:00Zx",
        "26-01-01T00:00:00Z", "2026-01-01T00:00:00+", "1767225600", "now"}) {
    EXPECT_FALSE(parse_timestamp(text)) << text;
  }
}

TEST(SharingTimestamp, is_written_as_profiles_have_it) {
  EXPECT_EQ(timestamp_text(kNewYear / 1'000'000), "2026-01-01T00:00:00.000Z");
  EXPECT_EQ(timestamp_text(-1), "1969-12-31T23:59:59.000Z");
}

}  // namespace
}  // namespace lakehouse::worker::sharing
