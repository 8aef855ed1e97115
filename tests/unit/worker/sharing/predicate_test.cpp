// SPDX-License-Identifier: PostgreSQL
// Hints against the statistics of one file.
#include "worker/sharing/predicate.hpp"

#include <gtest/gtest.h>

namespace lakehouse::worker::sharing {
namespace {

constexpr std::string_view kSchema = R"json({"type":"struct","fields":[
    {"name":"id","type":"long"},{"name":"Name","type":"string"},{"name":"day","type":"date"},
    {"name":"amount","type":"decimal(9,2)"},{"name":"flag","type":"boolean"},
    {"name":"gone","type":"string"},{"name":"full","type":"long"},
    {"name":"list","type":{"type":"array","elementType":"long","containsNull":true}}]})json";
// id 10 to 20 without nulls; Name some null; gone all null; full always 5.
constexpr std::string_view kStatistics =
    R"({"numRecords":11,"minValues":{"id":10,"Name":"b","day":"2026-01-01","amount":1.50,"full":5},)"
    R"("maxValues":{"id":20,"Name":"m","day":"2026-01-31","amount":9.99,"full":5},)"
    R"("nullCount":{"id":0,"Name":2,"day":0,"amount":0,"flag":0,"gone":11,"full":0}})";

bool may_match(const std::optional<Predicate>& predicate) {
  EXPECT_TRUE(predicate);
  return may_match(*predicate, ColumnTypes::parse(kSchema), *json::parse(kStatistics));
}
bool keeps(std::string_view sql) { return may_match(parse_sql_predicate(sql)); }
bool keeps_json(std::string_view json) { return may_match(parse_json_predicate(json)); }

TEST(SharingPredicate, leaves_out_files_without_a_match) {
  for (const char* sql : {"id = 9",
                          "id > 20",
                          "id >= 21",
                          "id < 10",
                          "id <= 9",
                          "9 = id",
                          "20 < id",
                          "10 > id",
                          "id = 9 OR id = 21",
                          "id > 15 AND id < 10",
                          "id IN (1, 2, 3)",
                          "id BETWEEN 1 AND 9",
                          "NOT id BETWEEN 10 AND 20",
                          "id NOT BETWEEN 0 AND 99",
                          "id IS NULL",
                          "gone IS NOT NULL",
                          "gone = 'x'",
                          "NOT gone = 'x'",
                          "full <> 5",
                          "full != 5",
                          "full NOT IN (4, 5)",
                          "Name > 'm'",
                          "`Name` < 'b'",
                          "\"NAME\" = 'z'",
                          "day > '2026-01-31'",
                          "day < date '2026-01-01'",
                          "amount >= 10",
                          "amount < 1.5",
                          "(id = 1) or (id = 2 and id = 3)",
                          "NOT (id >= 10)",
                          "id = -1",
                          "id > 1e3"}) {
    EXPECT_FALSE(keeps(sql)) << sql;
  }
}

TEST(SharingPredicate, keeps_files_that_may_match) {
  for (const char* sql :
       {"id = 10",       "id = 20",           "id > 19",        "id >= 20",
        "id < 11",       "id <= 10",          "id <> 10",       "id = 9 OR id = 15",
        "id IN (1, 15)", "id IS NOT NULL",    "Name IS NULL",   "gone IS NULL",
        "full = 5",      "full NOT IN (4)",   "NOT full = 4",   "Name = 'it''s'",
        "flag = true",   "flag IS NOT NULL",  "list = 1",       "unknown = 1",
        "id = 'ten'",    "day = '1 January'", "amount = 9.990", "NOT (id > 15)"}) {
    EXPECT_TRUE(keeps(sql)) << sql;
  }
}

TEST(SharingPredicate, gives_up_on_other_sql) {
  for (const char* sql : {"",
                          "id",
                          "id =",
                          "= 1",
                          "id = 1 AND",
                          "id = 1 id = 2",
                          "lower(Name) = 'x'",
                          "a.b = 1",
                          "id + 1 = 2",
                          "id LIKE 'x'",
                          "id = 1; DROP TABLE x",
                          "id = 'open",
                          "id IS 1",
                          "id IN ()",
                          "id BETWEEN 1",
                          "(id = 1",
                          "id = 1)",
                          "Name = 'a\\'b'",
                          "id = 10L",
                          "id <=> 1",
                          "\x01"}) {
    EXPECT_FALSE(parse_sql_predicate(sql)) << sql;
  }
  std::string deep(100'000, '(');
  EXPECT_FALSE(parse_sql_predicate(deep));
  EXPECT_FALSE(parse_sql_predicate(std::string(80, '(') + "id = 1" + std::string(80, ')')));
}

TEST(SharingPredicate, reads_the_protocols_json) {
  constexpr const char* kComparison =
      R"({"op":"%s","children":[{"op":"column","name":"ID","valueType":"int"},)"
      R"({"op":"literal","value":"%s","valueType":"int"}]})";
  const auto compared = [&](const char* op, const char* value) {
    char text[256];
    std::snprintf(text, sizeof text, kComparison, op, value);
    return std::string(text);
  };
  EXPECT_FALSE(keeps_json(compared("equal", "9")));
  EXPECT_FALSE(keeps_json(compared("=", "9")));
  EXPECT_TRUE(keeps_json(compared("equal", "12")));
  EXPECT_FALSE(keeps_json(compared("lessThan", "10")));
  EXPECT_TRUE(keeps_json(compared("lessThanOrEqual", "10")));
  EXPECT_FALSE(keeps_json(compared("greaterThan", "20")));
  EXPECT_TRUE(keeps_json(compared("greaterThanOrEqual", "20")));
  EXPECT_TRUE(keeps_json(compared("somethingElse", "9")));
  const std::string out = compared("equal", "9"), in = compared("equal", "12");
  EXPECT_FALSE(keeps_json(R"({"op":"and","children":[)" + in + "," + out + "]}"));
  EXPECT_TRUE(keeps_json(R"({"op":"or","children":[)" + in + "," + out + "]}"));
  EXPECT_TRUE(keeps_json(R"({"op":"not","children":[)" + out + "]}"));
  EXPECT_FALSE(keeps_json(R"({"op":"isNull","children":[{"op":"column","name":"id"}]})"));
  EXPECT_TRUE(keeps_json(R"({"op":"and","children":[]})"));
  EXPECT_TRUE(keeps_json("{}"));
}

TEST(SharingPredicate, turns_a_comparison_around) {
  EXPECT_FALSE(keeps_json(R"({"op":"lessThan","children":[{"op":"literal","value":"20",)"
                          R"("valueType":"int"},{"op":"column","name":"id","valueType":"int"}]})"));
}

TEST(SharingPredicate, takes_no_other_text_for_json) {
  for (const char* text : {"", "7", "[]", "{", "nonsense"}) {
    EXPECT_FALSE(parse_json_predicate(text)) << text;
  }
}

TEST(SharingPredicate, keeps_files_that_say_nothing) {
  const auto predicate = parse_sql_predicate("id = 9");
  ASSERT_TRUE(predicate);
  const ColumnTypes types = ColumnTypes::parse(kSchema);
  for (const char* text : {"{}", R"({"numRecords":3})", R"({"minValues":[],"maxValues":7})"}) {
    EXPECT_TRUE(may_match(*predicate, types, *json::parse(text))) << text;
  }
  EXPECT_TRUE(may_match(*predicate, ColumnTypes::parse("no json"), *json::parse(kStatistics)));
}

}  // namespace
}  // namespace lakehouse::worker::sharing
