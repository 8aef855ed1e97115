// SPDX-License-Identifier: PostgreSQL
// Bounds that readers may skip a file by: they must never leave a row out.
#include "core/delta/statistics.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "tests/unit/core/delta/built.hpp"

namespace lakehouse::delta::test {
namespace {

std::string stats_of(const Schema& schema, const std::function<void(BatchBuilder&)>& fill) {
  Statistics statistics(schema);
  statistics.add(built(schema, fill));
  return statistics.json();
}

std::string stats_of(TypeKind kind, const std::vector<std::int64_t>& values) {
  return stats_of(one_column(kind), [&](BatchBuilder& builder) {
    for (const auto value : values) EXPECT_TRUE(builder.append_integer(0, value));
  });
}

std::string stats_of_reals(TypeKind kind, const std::vector<double>& values) {
  return stats_of(one_column(kind), [&](BatchBuilder& builder) {
    for (const double value : values) EXPECT_TRUE(builder.append_real(0, value));
  });
}

std::string stats_of_texts(TypeKind kind, const std::vector<std::string>& values) {
  return stats_of(one_column(kind), [&](BatchBuilder& builder) {
    for (const auto& value : values) EXPECT_TRUE(builder.append_text(0, value));
  });
}

std::string expected(int rows, const std::string& least, const std::string& greatest) {
  const auto member = [](const std::string& json) {
    return json.empty() ? std::string() : "\"c\":" + json;
  };
  return "{\"numRecords\":" + std::to_string(rows) + ",\"minValues\":{" + member(least) +
         "},\"maxValues\":{" + member(greatest) + "},\"nullCount\":{\"c\":0},\"tightBounds\":true}";
}

TEST(DeltaStatistics, integers_and_dates_have_exact_bounds) {
  EXPECT_EQ(stats_of(TypeKind::kShort, {3, -32768, 7}), expected(3, "-32768", "7"));
  EXPECT_EQ(stats_of(TypeKind::kLong, {std::numeric_limits<std::int64_t>::max(), 0}),
            expected(2, "0", "9223372036854775807"));
  EXPECT_EQ(stats_of(TypeKind::kDate, {0, -719162, 2932896}),
            expected(3, "\"0001-01-01\"", "\"9999-12-31\""));
}

TEST(DeltaStatistics, timestamps_are_cut_to_milliseconds_that_cover) {
  EXPECT_EQ(stats_of(TypeKind::kTimestamp, {-1, 1'001}),
            expected(2, "\"1969-12-31T23:59:59.999Z\"", "\"1970-01-01T00:00:00.002Z\""));
  EXPECT_EQ(stats_of(TypeKind::kTimestamp, {5'000}),
            expected(1, "\"1970-01-01T00:00:00.005Z\"", "\"1970-01-01T00:00:00.005Z\""));
  // The next millisecond would be in the year 10000.
  EXPECT_EQ(stats_of(TypeKind::kTimestamp, {253402300799999999}),
            expected(1, "\"9999-12-31T23:59:59.999Z\"", ""));
}

TEST(DeltaStatistics, reals_have_shortest_digits_and_zeros_of_both_signs) {
  EXPECT_EQ(stats_of_reals(TypeKind::kDouble, {0.1, 1e300}), expected(2, "0.1", "1e+300"));
  EXPECT_EQ(stats_of_reals(TypeKind::kFloat, {0.1}), expected(1, "0.1", "0.1"));
  EXPECT_EQ(stats_of_reals(TypeKind::kDouble, {0.0}), expected(1, "-0", "0"));
}

TEST(DeltaStatistics, a_nan_leaves_no_bound_and_infinity_none_on_its_side) {
  const double infinity = std::numeric_limits<double>::infinity();
  EXPECT_EQ(stats_of_reals(TypeKind::kDouble, {1, std::nan(""), 2}), expected(3, "", ""));
  EXPECT_EQ(stats_of_reals(TypeKind::kFloat, {1, infinity}), expected(2, "1", ""));
  EXPECT_EQ(stats_of_reals(TypeKind::kDouble, {-infinity, 1}), expected(2, "", "1"));
}

TEST(DeltaStatistics, decimals_are_plain_numbers_with_all_digits) {
  const auto stats = [](std::uint8_t scale, const char* least, const char* greatest) {
    return stats_of(
        schema_of({{"c", {.kind = TypeKind::kDecimal, .precision = 38, .scale = scale}}}),
        [&](BatchBuilder& builder) {
          EXPECT_TRUE(builder.append_decimal(0, greatest));
          EXPECT_TRUE(builder.append_decimal(0, least));
        });
  };
  EXPECT_EQ(stats(10, "-0.0000000001", "0"), expected(2, "-0.0000000001", "0.0000000000"));
  EXPECT_EQ(
      stats(0, "-99999999999999999999999999999999999999", "99999999999999999999999999999999999999"),
      expected(2, "-99999999999999999999999999999999999999",
               "99999999999999999999999999999999999999"));
  EXPECT_EQ(stats(2, "-0.05", "12.5"), expected(2, "-0.05", "12.50"));
}

TEST(DeltaStatistics, long_strings_are_cut_and_the_greatest_is_rounded_up) {
  const std::string a31(31, 'a');
  EXPECT_EQ(stats_of_texts(TypeKind::kString, {a31 + "b"}),
            expected(1, '"' + a31 + "b\"", '"' + a31 + "b\""));
  EXPECT_EQ(stats_of_texts(TypeKind::kString, {a31 + "bx"}),
            expected(1, '"' + a31 + "b\"", '"' + a31 + "c\""));
  EXPECT_EQ(stats_of_texts(TypeKind::kString, {a31 + "\U0010FFFFx"}),
            expected(1, '"' + a31 + "\U0010FFFF\"", '"' + std::string(30, 'a') + "b\""));
  std::string highest;
  for (int i = 0; i < 33; ++i) highest += "\U0010FFFF";
  EXPECT_EQ(stats_of_texts(TypeKind::kString, {highest}),
            expected(1, '"' + highest.substr(0, 32U * 4U) + '"', ""));
}

TEST(DeltaStatistics, strings_are_compared_by_bytes) {
  // By UTF-16 units the second would come first.
  EXPECT_EQ(stats_of_texts(TypeKind::kString, {"\uFFFD", "\U00010000", ""}),
            expected(3, "\"\"", "\"\U00010000\""));
}

TEST(DeltaStatistics, binary_booleans_and_arrays_have_no_bounds) {
  EXPECT_EQ(stats_of_texts(TypeKind::kBinary, {"x"}), expected(1, "", ""));
  EXPECT_EQ(stats_of(one_column(TypeKind::kBoolean),
                     [](BatchBuilder& builder) { EXPECT_TRUE(builder.append_boolean(0, true)); }),
            expected(1, "", ""));
  EXPECT_EQ(stats_of(schema_of({{"c", {.kind = TypeKind::kLong, .is_array = true}}}),
                     [](BatchBuilder& builder) {
                       EXPECT_TRUE(builder.open_array(0));
                       EXPECT_TRUE(builder.append_null(0));
                       builder.close_array(0);
                     }),
            expected(1, "", ""));
}

TEST(DeltaStatistics, nulls_are_counted_over_all_batches) {
  const Schema schema = one_column(TypeKind::kLong);
  Statistics statistics(schema);
  EXPECT_EQ(statistics.json(), expected(0, "", ""));
  for (int i = 0; i < 2; ++i) {
    statistics.add(built(schema, [i](BatchBuilder& builder) {
      EXPECT_TRUE(builder.append_null(0));
      EXPECT_TRUE(builder.append_integer(0, i));
    }));
  }
  EXPECT_EQ(statistics.json(), R"({"numRecords":4,"minValues":{"c":0},"maxValues":{"c":1},)"
                               R"("nullCount":{"c":2},"tightBounds":true})");
}

}  // namespace
}  // namespace lakehouse::delta::test
