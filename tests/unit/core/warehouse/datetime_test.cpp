// SPDX-License-Identifier: PostgreSQL
// Dates and timestamps; expected counts are those of a PostgreSQL 15 server.
#include <gtest/gtest.h>

#include "core/warehouse/built.hpp"

namespace lakehouse::warehouse {
namespace {

Built build_date(std::string_view text) { return build({wire::CellType::kDate, 0, 0}, text); }
Built build_timestamp(std::string_view text) {
  return build({wire::CellType::kTimestamptz, 0, 0}, text);
}

void expect_date(std::string_view text, std::int32_t days) {
  const Built built = build_date(text);
  EXPECT_EQ(built.fault, CellFault::kNone) << text;
  EXPECT_EQ(built.as<std::int32_t>(), days) << text;
}

void expect_timestamp(std::string_view text, std::int64_t micros) {
  const Built built = build_timestamp(text);
  EXPECT_EQ(built.fault, CellFault::kNone) << text;
  EXPECT_EQ(built.as<std::int64_t>(), micros) << text;
}

TEST(Date, counts_days_from_2000) {
  expect_date("2000-01-01", 0);
  expect_date("2021-06-15", 7836);
  expect_date("1970-01-01", -10957);
  expect_date("2000-02-29", 59);
  expect_date("1900-03-01", -36465);
  expect_date("0001-01-01", -730119);
}

TEST(Date, reads_years_before_one_and_after_9999) {
  expect_date("-0043-03-15", -746117);
  expect_date("+10000-01-01", 2921940);
  expect_date("10000-01-01", 2921940);
}

TEST(Date, ends_where_postgresql_ends) {
  expect_date("-4713-11-24", -2451545);
  EXPECT_EQ(build_date("-4713-11-23").fault, CellFault::kOutOfRange);
  expect_date("+5874897-12-31", 2145031948);
  EXPECT_EQ(build_date("+5874898-06-03").fault, CellFault::kOutOfRange);
  EXPECT_EQ(build_date("+999999999-12-31").fault, CellFault::kOutOfRange);
}

TEST(Date, refuses_days_that_are_not) {
  for (const std::string_view text :
       {"2021-02-29", "1900-02-29", "2021-13-01", "2021-00-10", "2021-04-31", "2021-01-00",
        "2021-1-1", "", "2021", "2021-06-15x", "2021-06-15T00:00:00", "21-06-15", "2021/06/15",
        "--001-01-01", "infinity"}) {
    EXPECT_EQ(build_date(text).fault, CellFault::kUnreadable) << '"' << text << '"';
  }
}

TEST(Timestamp, reads_unix_microseconds) {
  expect_timestamp("0", -946684800000000);
  expect_timestamp("946684800000000", 0);
  expect_timestamp("-1", -946684800000001);
  expect_timestamp("1623792896789123", 677108096789123);
}

TEST(Timestamp, reads_iso_text_with_an_offset) {
  expect_timestamp("2021-06-15T12:34:56.789-07:00", 677100896789000);
  expect_timestamp("2021-06-15T12:34:56.789Z", 677075696789000);
  expect_timestamp("2021-06-15 12:34:56+05:30", 677055896000000);
  expect_timestamp("2021-06-15 12:34:56+0530", 677055896000000);
  expect_timestamp("2021-06-15 12:34:56+05", 677057696000000);
}

TEST(Timestamp, reads_text_without_an_offset_as_utc) {
  expect_timestamp("2000-01-01 00:00:00", 0);
  expect_timestamp("2000-01-01T00:00", 0);
  expect_timestamp("2000-01-02", 86400000000);
  expect_timestamp("2021-06-15 12:34:56.789123", 677075696789123);
  expect_timestamp("-0043-03-15 00:00:00", -64464508800000000);
  expect_timestamp("1999-12-31 23:59:59.999999", -1);
}

TEST(Timestamp, drops_digits_past_microseconds) {
  expect_timestamp("2000-01-01 00:00:00.123456789", 123456);
  expect_timestamp("2000-01-01 00:00:00.1", 100000);
  expect_timestamp("1999-12-31 23:59:59.999999999", -1);
}

TEST(Timestamp, ends_where_postgresql_ends) {
  expect_timestamp("-4713-11-24T00:00:00Z", -211813488000000000);
  EXPECT_EQ(build_timestamp("-4713-11-23T23:59:59.999999Z").fault, CellFault::kOutOfRange);
  expect_timestamp("+294276-12-31T23:59:59.999999Z", 9223371331199999999);
  EXPECT_EQ(build_timestamp("+294277-01-01T00:00:00Z").fault, CellFault::kOutOfRange);
  EXPECT_EQ(build_timestamp("9223372036854775807").fault, CellFault::kNone);
  EXPECT_EQ(build_timestamp("-9223372036854775808").fault, CellFault::kOutOfRange);
  EXPECT_EQ(build_timestamp("9223372036854775808").fault, CellFault::kOutOfRange);
  EXPECT_EQ(build_timestamp("+999999999-01-01T00:00:00Z").fault, CellFault::kOutOfRange);
}

TEST(Timestamp, refuses_times_that_are_not) {
  for (const std::string_view text :
       {"", "-", "2021-06-15T", "2021-06-15T24:00:00", "2021-06-15T12:60:00", "2021-06-15T12:34:61",
        "2021-06-15X12:34:56", "2021-06-15T12:34:56.", "2021-06-15T12:34:56+",
        "2021-06-15T12:34:56+5", "2021-06-15T12:34:56+19:00", "2021-06-15T12:34:56Zz",
        "2021-06-15T12:34:56 UTC", "1.5", "12:34:56", "2021-06-15T12"}) {
    EXPECT_EQ(build_timestamp(text).fault, CellFault::kUnreadable) << '"' << text << '"';
  }
}

}  // namespace
}  // namespace lakehouse::warehouse
