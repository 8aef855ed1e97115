// SPDX-License-Identifier: PostgreSQL
// What is escaped in JSON and in URLs, wherever it stands.
#include "core/base/json_text.hpp"

#include <gtest/gtest.h>

namespace lakehouse {
namespace {

std::string quoted(std::string_view text) {
  std::string json;
  append_json_string(json, text);
  return json;
}

TEST(JsonText, escapes_quotes_backslashes_and_controls) {
  EXPECT_EQ(quoted(""), R"("")");
  EXPECT_EQ(quoted("plain ä"), R"("plain ä")");
  EXPECT_EQ(quoted(R"({"a":"b"})"), R"("{\"a\":\"b\"}")");
  EXPECT_EQ(quoted(R"(\\")"), R"("\\\\\"")");
  EXPECT_EQ(quoted("\n\"\x1F"
                   "x\\"),
            R"("\u000a\"\u001fx\\")");
}

TEST(PercentEncoded, leaves_only_what_urls_never_escape) {
  EXPECT_EQ(percent_encoded(""), "");
  EXPECT_EQ(percent_encoded("aZ09-_.~"), "aZ09-_.~");
  EXPECT_EQ(percent_encoded("/a b%\xC3\xA4+"), "%2Fa%20b%25%C3%A4%2B");
}

}  // namespace
}  // namespace lakehouse
