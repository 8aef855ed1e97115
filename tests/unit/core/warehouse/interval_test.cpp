// SPDX-License-Identifier: PostgreSQL
// Spark's interval texts.
#include <gtest/gtest.h>

#include "core/warehouse/built.hpp"

namespace lakehouse::warehouse {
namespace {

constexpr std::int64_t kSecond = 1'000'000;
constexpr std::int64_t kMinute = 60 * kSecond;
constexpr std::int64_t kHour = 60 * kMinute;

Built build_interval(std::string_view text, std::string_view unit = {}) {
  return build({wire::CellType::kInterval, 0, 0}, text, unit);
}

void expect(std::string_view text, std::string_view unit, std::int32_t months, std::int32_t days,
            std::int64_t micros) {
  const Built built = build_interval(text, unit);
  EXPECT_EQ(built.fault, CellFault::kNone) << text;
  const auto interval = built.as<wire::Interval>();
  EXPECT_EQ(interval.months, months) << text;
  EXPECT_EQ(interval.days, days) << text;
  EXPECT_EQ(interval.microseconds, micros) << text;
}

TEST(Interval, reads_years_and_months) {
  expect("INTERVAL '1-2' YEAR TO MONTH", "", 14, 0, 0);
  expect("INTERVAL '-1-2' YEAR TO MONTH", "", -14, 0, 0);
  expect("INTERVAL -'1-2' YEAR TO MONTH", "", -14, 0, 0);
  expect("INTERVAL -'-1-2' YEAR TO MONTH", "", 14, 0, 0);
  expect("1-2", "", 14, 0, 0);
  expect("-0-11", "", -11, 0, 0);
  expect("interval '3' year", "", 36, 0, 0);
  expect("INTERVAL '30' MONTH", "", 30, 0, 0);
}

TEST(Interval, reads_days_to_seconds) {
  expect("INTERVAL '1 02:03:04.5' DAY TO SECOND", "", 0, 1, 2 * kHour + 3 * kMinute + 4'500'000);
  expect("INTERVAL '-1 02:03:04.5' DAY TO SECOND", "", 0, -1,
         -(2 * kHour + 3 * kMinute + 4'500'000));
  expect("1 02:03:04.000001", "", 0, 1, 2 * kHour + 3 * kMinute + 4'000'001);
  expect("-0 00:00:00.000001", "", 0, 0, -1);
  expect("INTERVAL '1 02' DAY TO HOUR", "", 0, 1, 2 * kHour);
  expect("INTERVAL '1 02:03' DAY TO MINUTE", "", 0, 1, 2 * kHour + 3 * kMinute);
  expect("INTERVAL '100:03:04' HOUR TO SECOND", "", 0, 0, 100 * kHour + 3 * kMinute + 4 * kSecond);
  expect("INTERVAL '02:03' HOUR TO MINUTE", "", 0, 0, 2 * kHour + 3 * kMinute);
  expect("INTERVAL '-03:04.25' MINUTE TO SECOND", "", 0, 0, -(3 * kMinute + 4'250'000));
  expect("INTERVAL '5' DAY", "", 0, 5, 0);
  expect("INTERVAL '7.123456789' SECOND", "", 0, 0, 7'123'456);
}

TEST(Interval, takes_the_unit_of_the_column_for_a_bare_text) {
  expect("5", "DAY", 0, 5, 0);
  expect("-5", "interval month", -5, 0, 0);
  expect("02:03", "INTERVAL HOUR TO MINUTE", 0, 0, 2 * kHour + 3 * kMinute);
  expect("02:03", "MINUTE TO SECOND", 0, 0, 2 * kMinute + 3 * kSecond);
  expect("1 02:03:04", "string", 0, 1, 2 * kHour + 3 * kMinute + 4 * kSecond);
  expect("3 days", "", 0, 3, 0);
}

TEST(Interval, ends_where_postgresql_ends) {
  expect("INTERVAL '178956970-7' YEAR TO MONTH", "", 2147483647, 0, 0);
  expect("INTERVAL '-178956970-8' YEAR TO MONTH", "", -2147483647 - 1, 0, 0);
  EXPECT_EQ(build_interval("INTERVAL '178956970-8' YEAR TO MONTH").fault, CellFault::kOutOfRange);
  EXPECT_EQ(build_interval("INTERVAL '2147483648' DAY").fault, CellFault::kOutOfRange);
  EXPECT_EQ(build_interval("INTERVAL '9223372036855' SECOND").fault, CellFault::kOutOfRange);
  EXPECT_EQ(build_interval("INTERVAL '99999999999999999999' DAY").fault, CellFault::kOutOfRange);
}

TEST(Interval, refuses_what_is_no_interval) {
  for (const std::string_view text :
       {"", "5", "02:03", "INTERVAL", "INTERVAL '1-2", "INTERVAL '1-2' DAY TO SECOND",
        "INTERVAL '1' FORTNIGHT", "INTERVAL '1' DAY TO MONTH", "INTERVAL '1' SECOND TO DAY", "1-",
        "1-2-3", "1 02:03:04x", "a 02:03:04", "INTERVAL '1 02:03:04.' DAY TO SECOND",
        "INTERVAL '1.5' DAY", "1  02:03:04"}) {
    EXPECT_EQ(build_interval(text).fault, CellFault::kUnreadable) << '"' << text << '"';
  }
}

}  // namespace
}  // namespace lakehouse::warehouse
