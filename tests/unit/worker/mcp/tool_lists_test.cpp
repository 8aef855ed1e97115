// SPDX-License-Identifier: PostgreSQL
// Which list is used, and that none is that may be wrong.
#include "worker/mcp/tool_lists.hpp"

#include <gtest/gtest.h>

namespace lakehouse::worker::mcp {
namespace {

using namespace std::chrono_literals;
using Clock = ToolLists::Clock;

ToolLists::Text text(const char* list) { return std::make_shared<const std::string>(list); }

// As a request does that finds nothing kept.
void keep(ToolLists& lists, const std::string& key, const char* list) {
  lists.keep(key, lists.state(), text(list));
}

bool has(ToolLists& lists, const std::string& key) { return lists.find(key) != nullptr; }

class McpToolLists : public testing::Test {
 protected:
  McpToolLists() { lists_.trust_until(Clock::now() + 1h); }
  ToolLists lists_;
};

TEST_F(McpToolLists, AreKeptByTheirKey) {
  keep(lists_, "a", "[1]");
  keep(lists_, "b", "[2]");
  EXPECT_EQ(*lists_.find("a"), "[1]");
  EXPECT_EQ(*lists_.find("b"), "[2]");
  EXPECT_FALSE(has(lists_, "c"));
  keep(lists_, "a", "[3]");
  EXPECT_EQ(*lists_.find("a"), "[3]");
}

TEST_F(McpToolLists, AChangeEmptiesThem) {
  keep(lists_, "a", "[1]");
  keep(lists_, "b", "[1]");
  lists_.forget();
  EXPECT_FALSE(has(lists_, "a"));
  EXPECT_FALSE(has(lists_, "b"));
  keep(lists_, "a", "[2]");
  EXPECT_EQ(*lists_.find("a"), "[2]");
}

TEST_F(McpToolLists, WhatWasAskedBeforeAChangeIsNotKept) {
  const std::uint64_t state = lists_.state();
  lists_.forget();
  lists_.keep("a", state, text("[1]"));
  EXPECT_FALSE(has(lists_, "a"));
}

TEST_F(McpToolLists, AreNotUsedWhileNobodyListens) {
  keep(lists_, "a", "[1]");
  lists_.distrust();
  EXPECT_FALSE(has(lists_, "a"));
  keep(lists_, "a", "[2]");
  EXPECT_FALSE(has(lists_, "a"));
  lists_.trust_until(Clock::now() + 1h);
  EXPECT_FALSE(has(lists_, "a"));
}

TEST_F(McpToolLists, WhatWasAskedBeforeAnybodyListenedIsNotKept) {
  lists_.distrust();
  const std::uint64_t state = lists_.state();
  lists_.trust_until(Clock::now() + 1h);
  lists_.keep("a", state, text("[1]"));
  EXPECT_FALSE(has(lists_, "a"));
}

TEST(McpToolListsAlone, AreNotUsedBeforeTheBusHasBegun) {
  ToolLists lists;
  keep(lists, "a", "[1]");
  EXPECT_FALSE(has(lists, "a"));
}

TEST_F(McpToolLists, TrustEndsByItselfAndComesBack) {
  keep(lists_, "a", "[1]");
  lists_.trust_until(Clock::now() - 1ms);
  EXPECT_FALSE(has(lists_, "a"));
  lists_.trust_until(Clock::now() + 1h);
  EXPECT_TRUE(has(lists_, "a"));  // the listener was slow, and missed nothing
}

TEST(McpToolListsAlone, TheLeastUsedGivesWay) {
  ToolLists lists({3, 1h});
  lists.trust_until(Clock::now() + 1h);
  for (const char* key : {"a", "b", "c"}) keep(lists, key, "[]");
  EXPECT_TRUE(has(lists, "a"));
  keep(lists, "d", "[]");
  EXPECT_FALSE(has(lists, "b"));
  for (const char* key : {"a", "c", "d"}) EXPECT_TRUE(has(lists, key)) << key;
  for (int i = 0; i < 100; ++i) keep(lists, std::to_string(i), "[]");
  int kept = 0;
  for (int i = 0; i < 100; ++i) kept += has(lists, std::to_string(i)) ? 1 : 0;
  EXPECT_EQ(kept, 3);
}

TEST(McpToolListsAlone, AgeEndsThem) {
  ToolLists lists({3, 0ms});
  lists.trust_until(Clock::now() + 1h);
  keep(lists, "a", "[]");
  EXPECT_FALSE(has(lists, "a"));
  keep(lists, "a", "[]");  // its place is free
}

}  // namespace
}  // namespace lakehouse::worker::mcp
