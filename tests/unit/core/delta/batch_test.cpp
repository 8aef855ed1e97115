// SPDX-License-Identifier: PostgreSQL
// What a batch takes, refuses and gives back.
#include "core/delta/batch.hpp"

#include <gtest/gtest.h>

#include <limits>

#include "tests/unit/core/delta/built.hpp"

namespace lakehouse::delta::test {
namespace {

ErrorCode code_of(const Status& status) {
  EXPECT_FALSE(status.is_ok());
  return status ? ErrorCode::kInternal : status.error().code;
}

TEST(DeltaBatch, values_come_back_as_they_were_given) {
  const Schema schema = schema_of({{"b", {.kind = TypeKind::kBoolean}},
                                   {"l", {.kind = TypeKind::kLong}},
                                   {"f", {.kind = TypeKind::kFloat}},
                                   {"d", {.kind = TypeKind::kDecimal, .precision = 38, .scale = 9}},
                                   {"s", {.kind = TypeKind::kString}}});
  const Batch batch = built(schema, [](BatchBuilder& builder) {
    EXPECT_TRUE(builder.append_boolean(0, true));
    EXPECT_TRUE(builder.append_integer(1, std::numeric_limits<std::int64_t>::min()));
    EXPECT_TRUE(builder.append_real(2, 0.5));
    EXPECT_TRUE(builder.append_decimal(3, "-0.000000001"));
    EXPECT_TRUE(builder.append_text(4, "größe"));
    for (std::size_t column = 0; column < 5; ++column) EXPECT_TRUE(builder.append_null(column));
  });
  ASSERT_EQ(batch.rows(), 2);
  EXPECT_TRUE(batch.boolean(0, 0));
  EXPECT_EQ(batch.integer(1, 0), std::numeric_limits<std::int64_t>::min());
  EXPECT_EQ(batch.real(2, 0), 0.5);
  EXPECT_EQ(batch.decimal(3, 0), "-0.000000001");
  EXPECT_EQ(batch.text(4, 0), "größe");
  for (std::size_t column = 0; column < 5; ++column) {
    EXPECT_FALSE(batch.is_null(column, 0));
    EXPECT_TRUE(batch.is_null(column, 1));
  }
}

TEST(DeltaBatch, integers_beyond_their_type_are_refused) {
  BatchBuilder shorts(one_column(TypeKind::kShort));
  EXPECT_TRUE(shorts.append_integer(0, -32768).is_ok());
  EXPECT_EQ(code_of(shorts.append_integer(0, 32768)), ErrorCode::kValueOutOfRange);
  BatchBuilder integers(one_column(TypeKind::kInteger));
  EXPECT_TRUE(integers.append_integer(0, 2147483647).is_ok());
  EXPECT_EQ(code_of(integers.append_integer(0, -2147483649)), ErrorCode::kValueOutOfRange);
}

TEST(DeltaBatch, times_outside_the_years_1_to_9999_are_refused) {
  BatchBuilder dates(one_column(TypeKind::kDate));
  EXPECT_TRUE(dates.append_integer(0, -719162).is_ok());
  EXPECT_TRUE(dates.append_integer(0, 2932896).is_ok());
  EXPECT_EQ(code_of(dates.append_integer(0, -719163)), ErrorCode::kValueOutOfRange);
  EXPECT_EQ(code_of(dates.append_integer(0, 2932897)), ErrorCode::kValueOutOfRange);
  BatchBuilder times(one_column(TypeKind::kTimestamp));
  EXPECT_TRUE(times.append_integer(0, -62135596800000000).is_ok());
  EXPECT_TRUE(times.append_integer(0, 253402300799999999).is_ok());
  EXPECT_EQ(code_of(times.append_integer(0, -62135596800000001)), ErrorCode::kValueOutOfRange);
  EXPECT_EQ(code_of(times.append_integer(0, 253402300800000000)), ErrorCode::kValueOutOfRange);
}

TEST(DeltaBatch, decimals_that_do_not_fit_exactly_are_refused) {
  BatchBuilder builder(
      schema_of({{"d", {.kind = TypeKind::kDecimal, .precision = 5, .scale = 2}}}));
  for (const char* digits : {"999.99", "-999.99", "1.5", "7", "1.500", "0"}) {
    EXPECT_TRUE(builder.append_decimal(0, digits).is_ok()) << digits;
  }
  for (const char* digits : {"1000.00", "0.001", "NaN", "Infinity", "", "1,5",
                             "100000000000000000000000000000000000000000"}) {
    EXPECT_EQ(code_of(builder.append_decimal(0, digits)), ErrorCode::kValueOutOfRange) << digits;
  }
}

TEST(DeltaBatch, text_that_is_not_utf8_is_refused_but_binary_takes_it) {
  BatchBuilder texts(one_column(TypeKind::kString));
  EXPECT_EQ(code_of(texts.append_text(0, "\xFF")), ErrorCode::kValueOutOfRange);
  BatchBuilder bytes(one_column(TypeKind::kBinary));
  EXPECT_TRUE(bytes.append_text(0, "\xFF").is_ok());
}

TEST(DeltaBatch, a_null_is_refused_where_none_may_be) {
  Schema schema = one_column(TypeKind::kLong);
  schema.columns[0].is_nullable = false;
  BatchBuilder builder(schema);
  EXPECT_EQ(code_of(builder.append_null(0)), ErrorCode::kValueOutOfRange);
}

TEST(DeltaBatch, columns_of_different_length_are_no_batch) {
  BatchBuilder builder(schema_of({{"a", {}}, {"b", {}}}));
  EXPECT_TRUE(builder.append_text(0, "x").is_ok());
  EXPECT_FALSE(builder.finish().is_ok());
  builder.clear();
  const auto empty = builder.finish();
  ASSERT_TRUE(empty.is_ok());
  EXPECT_EQ(empty->rows(), 0);
}

TEST(DeltaBatch, keep_selects_rows_in_their_order) {
  const Batch batch = built(one_column(TypeKind::kLong), [](BatchBuilder& builder) {
    for (int i = 0; i < 6; ++i) EXPECT_TRUE(builder.append_integer(0, i));
  });
  const auto some = batch.keep({true, false, true, true, false, true});
  ASSERT_TRUE(some.is_ok());
  ASSERT_EQ(some->rows(), 4);
  EXPECT_EQ(some->integer(0, 1), 2);
  EXPECT_EQ(some->integer(0, 3), 5);
  EXPECT_EQ(batch.keep(std::vector<bool>(6, true))->rows(), 6);
  EXPECT_EQ(batch.keep(std::vector<bool>(6, false))->rows(), 0);
}

}  // namespace
}  // namespace lakehouse::delta::test
