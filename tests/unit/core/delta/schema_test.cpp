// SPDX-License-Identifier: PostgreSQL
// Which schemas can be published, and their JSON.
#include "core/delta/schema.hpp"

#include <gtest/gtest.h>

#include "tests/unit/core/delta/built.hpp"

namespace lakehouse::delta::test {
namespace {

TEST(DeltaSchema, json_names_types_as_the_protocol_does) {
  Schema schema = schema_of({{"b", {.kind = TypeKind::kBoolean}},
                             {"s", {.kind = TypeKind::kShort}},
                             {"d", {.kind = TypeKind::kDecimal, .precision = 10, .scale = 2}},
                             {"t", {.kind = TypeKind::kTimestamp}}});
  EXPECT_EQ(schema_json(schema),
            "{\"type\":\"struct\",\"fields\":["
            "{\"name\":\"b\",\"type\":\"boolean\",\"nullable\":true,\"metadata\":{}},"
            "{\"name\":\"s\",\"type\":\"short\",\"nullable\":true,\"metadata\":{}},"
            "{\"name\":\"d\",\"type\":\"decimal(10,2)\",\"nullable\":true,\"metadata\":{}},"
            "{\"name\":\"t\",\"type\":\"timestamp\",\"nullable\":true,\"metadata\":{}}]}");
}

TEST(DeltaSchema, json_has_arrays_comments_and_columns_without_nulls) {
  Schema schema = schema_of({{"tags", {.kind = TypeKind::kString, .is_array = true}}});
  schema.columns[0].is_nullable = false;
  schema.columns[0].comment = "said \"so\"";
  EXPECT_EQ(schema_json(schema),
            R"({"type":"struct","fields":[{"name":"tags","type":{"type":"array",)"
            R"("elementType":"string","containsNull":true},"nullable":false,)"
            R"("metadata":{"comment":"said \"so\""}}]})");
}

TEST(DeltaSchema, check_takes_letters_of_all_scripts) {
  EXPECT_TRUE(check(schema_of({{"größe", {}}, {"名前", {}}, {"a\"b'c.d", {}}})).is_ok());
}

TEST(DeltaSchema, check_refuses_names_that_data_files_cannot_have) {
  for (const char* name : {"", "a b", "a,b", "a;b", "a{", "a}", "(a", "a)", "a\n", "a\t", "a=b",
                           "\xC3", "\xED\xA0\x80"}) {
    const Status status = check(schema_of({{name, {}}}));
    ASSERT_FALSE(status.is_ok()) << name;
    EXPECT_EQ(status.error().code, ErrorCode::kInvalidArgument);
  }
}

TEST(DeltaSchema, check_refuses_names_that_differ_in_case_only) {
  EXPECT_FALSE(check(schema_of({{"Id", {}}, {"iD", {}}})).is_ok());
}

TEST(DeltaSchema, check_refuses_an_id_used_twice_or_missing) {
  Schema schema = schema_of({{"a", {}}, {"b", {.kind = TypeKind::kLong, .is_array = true}}});
  EXPECT_TRUE(check(schema).is_ok());
  schema.columns[1].element_id = 1;
  EXPECT_FALSE(check(schema).is_ok());
  schema.columns[1].element_id = 3;
  schema.columns[0].id = 0;
  EXPECT_FALSE(check(schema).is_ok());
}

TEST(DeltaSchema, check_refuses_decimals_beyond_38_digits) {
  const auto decimal = [](std::uint8_t precision, std::uint8_t scale) {
    return schema_of({{"d", {.kind = TypeKind::kDecimal, .precision = precision, .scale = scale}}});
  };
  EXPECT_TRUE(check(decimal(38, 38)).is_ok());
  EXPECT_FALSE(check(decimal(39, 0)).is_ok());
  EXPECT_FALSE(check(decimal(0, 0)).is_ok());
  EXPECT_FALSE(check(decimal(5, 6)).is_ok());
  EXPECT_FALSE(check(Schema{}).is_ok());
}

}  // namespace
}  // namespace lakehouse::delta::test
