// SPDX-License-Identifier: PostgreSQL
// Words, quotes and backslashes.
#include "worker/config/command_line.hpp"

#include <gtest/gtest.h>

namespace lakehouse::worker::config {
namespace {

using Words = std::vector<std::string>;

struct Line {
  const char* text;
  Words words;
  friend void PrintTo(const Line& tested, std::ostream* out) { *out << '[' << tested.text << ']'; }
};
class CommandLine : public testing::TestWithParam<Line> {};

TEST_P(CommandLine, is_split_into_words) {
  const auto words = split_command_line(GetParam().text);
  ASSERT_TRUE(words.is_ok());
  EXPECT_EQ(*words, GetParam().words);
}
INSTANTIATE_TEST_SUITE_P(Lines, CommandLine,
                         testing::Values(Line{"", {}}, Line{"  ", {}},
                                         Line{"/bin/key  get\tx", {"/bin/key", "get", "x"}},
                                         Line{"a 'b c' \"d \\\" e\"", {"a", "b c", "d \" e"}},
                                         Line{"a'b'\"c\"", {"abc"}}, Line{"a '' b", {"a", "", "b"}},
                                         Line{"a\\ b '\\'", {"a b", "\\"}},
                                         Line{"$HOME;ls|x", {"$HOME;ls|x"}}));

TEST(CommandLine, refuses_a_quote_without_end) {
  EXPECT_FALSE(split_command_line("a 'b").is_ok());
  EXPECT_FALSE(split_command_line("a \"b").is_ok());
}

TEST(CommandLine, refuses_a_backslash_at_the_end) {
  EXPECT_FALSE(split_command_line("a\\").is_ok());
}

}  // namespace
}  // namespace lakehouse::worker::config
