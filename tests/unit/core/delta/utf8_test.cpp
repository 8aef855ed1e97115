// SPDX-License-Identifier: PostgreSQL
// Characters, prefixes, and the text that comes after all with a prefix.
#include "core/delta/utf8.hpp"

#include <gtest/gtest.h>

namespace lakehouse::delta {
namespace {

TEST(Utf8, well_formed_text_is_told_from_ill_formed) {
  for (const char* text :
       {"", "a", "\u00FF", "\uD7FF", "\uE000", "\uFFFF", "\U00010000", "\U0010FFFF"}) {
    EXPECT_TRUE(is_utf8(text)) << text;
  }
  for (const char* text :
       {"\x80", "\xC0\x80", "\xC1\xBF", "\xC3", "\xC3(", "\xE0\x9F\xBF", "\xED\xA0\x80",
        "\xF0\x8F\xBF\xBF", "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xE2\x82", "a\xFF"}) {
    EXPECT_FALSE(is_utf8(text)) << text;
  }
}

TEST(Utf8, prefix_counts_characters_not_bytes) {
  EXPECT_EQ(utf8_prefix("äöü€", 0), "");
  EXPECT_EQ(utf8_prefix("äöü€", 2), "äö");
  EXPECT_EQ(utf8_prefix("äöü€", 4), "äöü€");
  EXPECT_EQ(utf8_prefix("äöü€", 9), "äöü€");
}

TEST(Utf8, successor_raises_the_last_character_that_can_be_raised) {
  EXPECT_EQ(utf8_successor("abc"), "abd");
  EXPECT_EQ(utf8_successor("a\x7F"), "a\u0080");
  EXPECT_EQ(utf8_successor("a\u07FF"), "a\u0800");
  EXPECT_EQ(utf8_successor("a\uD7FF"), "a\uE000");
  EXPECT_EQ(utf8_successor("a\uFFFF"), "a\U00010000");
  EXPECT_EQ(utf8_successor("a\U0010FFFF\U0010FFFF"), "b");
  EXPECT_EQ(utf8_successor("\U0010FFFF"), std::nullopt);
  EXPECT_EQ(utf8_successor(""), std::nullopt);
}

}  // namespace
}  // namespace lakehouse::delta
