// SPDX-License-Identifier: PostgreSQL
// A published table's columns: their types' names, their ids over time.
#include "worker/publish/columns.hpp"

#include <gtest/gtest.h>

namespace lakehouse::worker::publish {
namespace {

using delta::Type;
using delta::TypeKind;

delta::Column column(const char* name, Type type, std::int32_t id = 0) {
  return {name, type, true, id, 0, ""};
}

TEST(Columns, spell_types_as_delta_does) {
  for (const char* text :
       {"boolean", "short", "integer", "long", "float", "double", "string", "binary", "date",
        "timestamp", "decimal(38,0)", "array<string>", "array<decimal(5,2)>"}) {
    const auto type = parse_type(text);
    ASSERT_TRUE(type.is_ok()) << text;
    EXPECT_EQ(type_text(*type), text);
  }
  for (const char* text : {"", "String", "decimal(5)", "decimal(,2)", "decimal(5,2", "array<>",
                           "array<array<string>>", "map<string,string>"}) {
    EXPECT_FALSE(parse_type(text).is_ok()) << text;
  }
}

TEST(Columns, are_kept_as_json_and_read_again) {
  delta::Schema schema;
  schema.columns = {column("a \"b\"", {.kind = TypeKind::kLong}, 1),
                    column("c", {.kind = TypeKind::kString, .is_array = true}, 2)};
  schema.columns[1].element_id = 3;
  schema.columns[1].is_nullable = false;
  schema.columns[1].comment = "what\nfor";
  const auto read = parse_columns(columns_json(schema));
  ASSERT_TRUE(read.is_ok()) << read.error().message;
  EXPECT_TRUE(is_same_layout(*read, schema));
  EXPECT_TRUE(has_same_comments(*read, schema));
  EXPECT_FALSE(parse_columns("{}").is_ok());
  EXPECT_FALSE(parse_columns("[{\"name\":\"a\"}]").is_ok());
}

TEST(Columns, keep_their_ids_while_name_and_type_stay) {
  delta::Schema before;
  before.columns = {column("kept", {.kind = TypeKind::kLong}, 1),
                    column("widened", {.kind = TypeKind::kInteger}, 2),
                    column("dropped", {.kind = TypeKind::kLong}, 3)};
  Columns now;
  now.schema.columns = {column("added", {.kind = TypeKind::kDate, .is_array = true}),
                        column("widened", {.kind = TypeKind::kLong}),
                        column("kept", {.kind = TypeKind::kLong})};
  give_ids(now, before, 4);
  EXPECT_EQ(now.schema.columns[0].id, 4);
  EXPECT_EQ(now.schema.columns[0].element_id, 5);
  EXPECT_EQ(now.schema.columns[1].id, 6);
  EXPECT_EQ(now.schema.columns[2].id, 1);
  EXPECT_EQ(now.next_id, 7);
  EXPECT_FALSE(is_same_layout(now.schema, before));
}

TEST(Columns, of_one_name_and_type_but_another_origin_are_others) {
  delta::Schema before;
  before.columns = {column("again", {.kind = TypeKind::kLong}, 1)};
  before.columns[0].origin = 2;
  const auto kept = parse_columns(columns_json(before));
  ASSERT_TRUE(kept.is_ok()) << kept.error().message;
  Columns now;
  now.schema.columns = {column("again", {.kind = TypeKind::kLong})};
  now.schema.columns[0].origin = 2;
  give_ids(now, *kept, 2);
  EXPECT_EQ(now.schema.columns[0].id, 1);
  now.schema.columns[0].origin = 3;
  give_ids(now, *kept, 2);
  EXPECT_EQ(now.schema.columns[0].id, 2);
}

TEST(Columns, are_found_by_name) {
  Columns columns;
  columns.schema.columns = {column("a", {}), column("b", {})};
  EXPECT_EQ(*columns.places_of({"b", "a"}), (std::vector<std::size_t>{1, 0}));
  const auto lost = columns.places_of({"c"});
  ASSERT_FALSE(lost.is_ok());
  EXPECT_EQ(lost.error().code, ErrorCode::kColumnNotFound);
}

}  // namespace
}  // namespace lakehouse::worker::publish
