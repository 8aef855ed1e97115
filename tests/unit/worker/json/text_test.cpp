// SPDX-License-Identifier: PostgreSQL
// JSON strings out of any bytes.
#include "worker/json/text.hpp"

#include <gtest/gtest.h>

namespace lakehouse::worker::json {
namespace {

TEST(JsonText, escapes_what_json_forbids) {
  EXPECT_EQ(json::quoted("a\"b\\c\nd\te\x01\x7F"), R"("a\"b\\c\nd\te\u0001\u007f")");
}

TEST(JsonText, keeps_well_formed_utf8) {
  const std::string text = "\u00e9\u20ac\U0001F600";
  EXPECT_EQ(json::quoted(text), "\"" + text + "\"");
}

TEST(JsonText, keeps_a_zero_byte_as_an_escape) {
  EXPECT_EQ(json::quoted(std::string_view("a\0b", 3)), R"("a\u0000b")");
}

TEST(JsonText, well_formed_keeps_what_is_and_replaces_what_is_not) {
  EXPECT_EQ(json::well_formed("a\"\n\u00e9"), "a\"\n\u00e9");
  EXPECT_EQ(json::well_formed("caf\xE9!"), "caf\xEF\xBF\xBD!");
}

class MalformedUtf8 : public testing::TestWithParam<std::string> {};

TEST_P(MalformedUtf8, becomes_replacement_characters) {
  const std::string out = json::quoted("<" + GetParam() + ">");
  EXPECT_EQ(out.substr(0, 2), "\"<");
  EXPECT_NE(out.find("\xEF\xBF\xBD"), std::string::npos);
  EXPECT_EQ(out.substr(out.size() - 2), ">\"");
}

INSTANTIATE_TEST_SUITE_P(Bytes, MalformedUtf8,
                         testing::Values("\x80", "\xC0\xAF", "\xE2\x82", "\xED\xA0\x80",
                                         "\xF4\x90\x80\x80", "\xF8", "\xE0\x80\x80"));

}  // namespace
}  // namespace lakehouse::worker::json
