// SPDX-License-Identifier: PostgreSQL
// Foreign text in messages.
#include "core/warehouse/excerpt.hpp"

#include <gtest/gtest.h>

namespace lakehouse::warehouse {
namespace {

TEST(Excerpt, keeps_short_text) {
  EXPECT_EQ(excerpt("naïve 😀", 100), "naïve 😀");
  EXPECT_EQ(excerpt("", 10), "");
}

TEST(Excerpt, blanks_control_characters_and_bad_utf8) {
  EXPECT_EQ(excerpt("a\nb\x1b[31m\x7f", 100), "a b [31m ");
  EXPECT_EQ(excerpt("a\xff\xe4\x80\xed\xa0\x80z", 100), "a      z");
}

TEST(Excerpt, cuts_at_a_characters_border) {
  EXPECT_EQ(excerpt("abcdefghij", 8), "abcde...");
  EXPECT_EQ(excerpt("abcd😀😀", 8), "abcd...");
  for (std::size_t limit = 3; limit < 20; ++limit)
    EXPECT_LE(excerpt("ä😀中ä😀中ä😀中", limit).size(), limit);
}

TEST(Excerpt, quotes_the_first_64_bytes) {
  EXPECT_EQ(quoted_excerpt(std::string(100, 'x')), '"' + std::string(61, 'x') + "...\"");
}

}  // namespace
}  // namespace lakehouse::warehouse
