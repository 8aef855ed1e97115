// SPDX-License-Identifier: PostgreSQL
// What is read, what is refused, and that parts keep their bytes.
#include "worker/json/value.hpp"

#include <gtest/gtest.h>

namespace lakehouse::worker::json {
namespace {

TEST(JsonValue, ReadsAndWritesTheSameText) {
  const std::string text =
      R"({"a":[1,-2,true,false,null,"x\n\"é"],"b":{"c":{}},"big":18446744073709551615})";
  auto value = parse(text);
  ASSERT_TRUE(value);
  EXPECT_EQ(value->to_json(), text);
}

TEST(JsonValue, FindsMembersByTheirKind) {
  const auto value = parse(R"({"s":"t","n":1,"o":{"x":"y"},"yes":true,"no":"true"})");
  ASSERT_TRUE(value);
  EXPECT_EQ(value->string("s"), "t");
  EXPECT_EQ(value->string("n"), std::nullopt);
  EXPECT_EQ(value->object("o").string("x"), "y");
  EXPECT_TRUE(value->object("s").members.empty());
  EXPECT_TRUE(value->boolean("yes"));
  EXPECT_FALSE(value->boolean("no"));
  EXPECT_EQ(value->find("missing"), nullptr);
}

TEST(JsonValue, RefusesWhatIsNoJson) {
  for (const char* text : {"", " ", "{", "{}}", "[1,]", "{\"a\":1,}", "nul", "'a'", "\"\xff\"",
                           "{\"a\" 1}", "01", "[1] [2]", "\"\\ud800\""}) {
    EXPECT_FALSE(parse(text)) << text;
  }
}

TEST(JsonValue, RefusesDepth) {
  EXPECT_TRUE(parse(std::string(10, '[') + std::string(10, ']'), 16));
  EXPECT_FALSE(parse(std::string(20, '[') + std::string(20, ']'), 16));
  EXPECT_FALSE(parse(std::string(1'000'000, '[')));
}

TEST(JsonValue, RefusesTwinsWhereTheyCouldMislead) {
  EXPECT_FALSE(parse(R"({"method":"a","method":"b"})"));
  EXPECT_FALSE(parse(R"({"params":{"name":"a","name":"b"}})"));
  EXPECT_FALSE(parse(R"({"params":{"arguments":{"name":"a","n\u0061me":"b"}}})"));
  EXPECT_TRUE(parse(R"({"params":{"arguments":{"values":{"name":"a","name":"b"}}}})"));
}

TEST(JsonValue, PartsAreCopiedByteForByte) {
  const std::string text =
      R"({"params": {"x":1, "arguments": { "amount" : 12345678901234567890.10, "t":"ä" } } })";
  EXPECT_EQ(raw_object(text, {"params", "arguments"}),
            R"({ "amount" : 12345678901234567890.10, "t":"ä" })");
  EXPECT_EQ(raw_object(text, {"params", "missing"}), std::nullopt);
  EXPECT_EQ(raw_object(text, {"params", "x"}), std::nullopt);
  EXPECT_EQ(raw_object("[]", {"params"}), std::nullopt);
}

TEST(JsonValue, PartsAreFoundByNamesInAnySpelling) {
  EXPECT_EQ(raw_object(R"({"p\u0061rams":{"\u0061rguments":{"a":1}}})", {"params", "arguments"}),
            R"({"a":1})");
}

TEST(JsonValue, BuildsObjects) {
  EXPECT_EQ(object({{"a", "1"}, {"left out", ""}, {"b", "\"x\""}}), R"({"a":1,"b":"x"})");
  EXPECT_EQ(strings({"a", "b\""}), R"(["a","b\""])");
  EXPECT_EQ(strings({}), "[]");
}

}  // namespace
}  // namespace lakehouse::worker::json
