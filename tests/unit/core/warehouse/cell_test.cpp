// SPDX-License-Identifier: PostgreSQL
// The plain cell types.
#include <gtest/gtest.h>

#include <cmath>

#include "core/warehouse/built.hpp"

namespace lakehouse::warehouse {
namespace {

using wire::CellType;

CellFault fault_of(CellType type, std::string_view text) { return build({type, 0, 0}, text).fault; }

double float8_of(std::string_view text) {
  return build({CellType::kFloat8, 0, 0}, text).as<double>();
}
float float4_of(std::string_view text) {
  return build({CellType::kFloat4, 0, 0}, text).as<float>();
}

TEST(Cell, bool_reads_words_in_any_case) {
  EXPECT_EQ(build({CellType::kBool, 0, 0}, "true").bytes, std::string("\1"));
  EXPECT_EQ(build({CellType::kBool, 0, 0}, "FALSE").bytes, std::string("\0", 1));
  for (const std::string_view text : {"", "t", "1", "yes", "true "}) {
    EXPECT_EQ(fault_of(CellType::kBool, text), CellFault::kUnreadable) << text;
  }
}

TEST(Cell, integers_keep_their_limits) {
  EXPECT_EQ((build({CellType::kInt2, 0, 0}, "-32768").as<std::int16_t>()), -32768);
  EXPECT_EQ((build({CellType::kInt2, 0, 0}, "+32767").as<std::int16_t>()), 32767);
  EXPECT_EQ((build({CellType::kInt4, 0, 0}, "-2147483648").as<std::int32_t>()), -2147483647 - 1);
  EXPECT_EQ((build({CellType::kInt8, 0, 0}, "9223372036854775807").as<std::int64_t>()), INT64_MAX);
  EXPECT_EQ((build({CellType::kInt8, 0, 0}, "-9223372036854775808").as<std::int64_t>()), INT64_MIN);
  EXPECT_EQ(fault_of(CellType::kInt2, "32768"), CellFault::kOutOfRange);
  EXPECT_EQ(fault_of(CellType::kInt4, "2147483648"), CellFault::kOutOfRange);
  EXPECT_EQ(fault_of(CellType::kInt8, "9223372036854775808"), CellFault::kOutOfRange);
}

TEST(Cell, integers_refuse_other_text) {
  for (const std::string_view text :
       {"", "-", "+", "+-1", "1.0", "1e3", " 1", "1 ", "0x1", "abc", "--1"}) {
    EXPECT_EQ(fault_of(CellType::kInt4, text), CellFault::kUnreadable) << '"' << text << '"';
  }
}

TEST(Cell, floats_are_correctly_rounded) {
  EXPECT_EQ(float8_of("1.0E10"), 1e10);
  EXPECT_EQ(float8_of("4.9E-324"), 4.9E-324);
  EXPECT_EQ(float8_of("1.7976931348623157E308"), 1.7976931348623157E308);
  EXPECT_EQ(float8_of("0.1"), 0.1);
  EXPECT_EQ(float8_of("+2.5e+3"), 2500.0);
  EXPECT_EQ(float4_of("3.4028235E38"), 3.4028235E38F);
  EXPECT_EQ(float4_of("16777217"), 16777216.0F);
}

TEST(Cell, floats_have_signed_zero_infinity_and_nan) {
  EXPECT_TRUE(std::signbit(float8_of("-0.0")));
  EXPECT_FALSE(std::signbit(float8_of("0.0")));
  EXPECT_EQ(float8_of("Infinity"), HUGE_VAL);
  EXPECT_EQ(float8_of("-Infinity"), -HUGE_VAL);
  EXPECT_TRUE(std::isnan(float8_of("NaN")));
  EXPECT_TRUE(std::isnan(float4_of("NaN")));
}

TEST(Cell, floats_refuse_overflow_and_other_text) {
  EXPECT_EQ(fault_of(CellType::kFloat8, "1e400"), CellFault::kOutOfRange);
  EXPECT_EQ(fault_of(CellType::kFloat4, "1.0E300"), CellFault::kOutOfRange);
  for (const std::string_view text :
       {"", "-", "1.0.0", "1e", "nan(1)", "0x1p3", "infinit", "1.0f", " 1"}) {
    EXPECT_EQ(fault_of(CellType::kFloat8, text), CellFault::kUnreadable) << '"' << text << '"';
  }
}

TEST(Cell, uuid_reads_both_spellings) {
  const std::string bytes =
      build({CellType::kUuid, 0, 0}, "01234567-89ab-cDEF-0123-456789abcdef").bytes;
  EXPECT_EQ(bytes,
            std::string("\x01\x23\x45\x67\x89\xab\xcd\xef\x01\x23\x45\x67\x89\xab\xcd\xef", 16));
  EXPECT_EQ(build({CellType::kUuid, 0, 0}, "0123456789abcdef0123456789abcdef").bytes, bytes);
}

TEST(Cell, uuid_refuses_other_text) {
  for (const std::string_view text :
       {"", "01234567-89ab-cdef-0123-456789abcde", "0123456789ab-cdef-0123-456789abcdef-",
        "01234567-89ab-cdef-0123-456789abcdeg", "01234567-89ab-cdef-0123--56789abcdef",
        "0123456789abcdef0123456789abcdeg"}) {
    EXPECT_EQ(fault_of(CellType::kUuid, text), CellFault::kUnreadable) << '"' << text << '"';
  }
}

TEST(Cell, bytea_reads_hex) {
  EXPECT_EQ(build({CellType::kBytea, 0, 0}, "00FFa1").bytes, std::string("\x00\xff\xa1", 3));
  EXPECT_EQ(build({CellType::kBytea, 0, 0}, "").bytes, "");
  EXPECT_EQ(fault_of(CellType::kBytea, "0"), CellFault::kUnreadable);
  EXPECT_EQ(fault_of(CellType::kBytea, "0g"), CellFault::kUnreadable);
}

TEST(Cell, text_is_kept_but_for_a_nul_byte) {
  EXPECT_EQ(build({CellType::kText, 0, 0}, "naïve 😀 \\ ' :x --").bytes, "naïve 😀 \\ ' :x --");
  EXPECT_EQ(build({CellType::kText, 0, 0}, "").bytes, "");
  EXPECT_EQ(fault_of(CellType::kText, std::string_view("a\0b", 3)), CellFault::kUnreadable);
}

TEST(Cell, timestamp_without_zone_counts_as_utc) {
  EXPECT_EQ((build({CellType::kTimestamp, 0, 0}, "2000-01-01 00:00:00.000001").as<std::int64_t>()),
            1);
}

}  // namespace
}  // namespace lakehouse::warehouse
