// SPDX-License-Identifier: PostgreSQL
// Every item on exactly one page, whatever comes and goes meanwhile.
#include "worker/mcp/pages.hpp"

#include <gtest/gtest.h>

#include "worker/json/value.hpp"

namespace lakehouse::worker::mcp {
namespace {

std::string list_of(const std::vector<std::string>& names) {
  std::string list = "[";
  for (const std::string& name : names) {
    list += (list.size() > 1 ? "," : "") + json::object({{"name", "\"" + name + "\""}});
  }
  return list + "]";
}

TEST(McpPages, AShortListIsOnePage) {
  const auto page = page_of(list_of({"a", "b"}), "name", std::nullopt);
  ASSERT_TRUE(page);
  EXPECT_EQ(page->items, list_of({"a", "b"}));
  EXPECT_EQ(page->next_cursor, "");
}

TEST(McpPages, PagesHoldAllItemsOnce) {
  const std::string list = list_of({"a", "b", "c", "d", "e"});
  std::string seen;
  std::optional<std::string> cursor;
  int pages = 0;
  do {
    const auto page = page_of(list, "name", cursor, 30);
    ASSERT_TRUE(page);
    const auto items = json::parse(page->items);
    for (const json::Member& item : items->members) seen += *item.value.string("name");
    cursor = page->next_cursor;
    ASSERT_LT(++pages, 10);
  } while (!cursor->empty());
  EXPECT_EQ(seen, "abcde");
  EXPECT_GT(pages, 1);
}

TEST(McpPages, AnItemThatHasGoneCostsNoOther) {
  const auto first = page_of(list_of({"a", "b", "c"}), "name", std::nullopt, 16);
  ASSERT_TRUE(first);
  const auto next = page_of(list_of({"b", "c"}), "name", first->next_cursor);
  ASSERT_TRUE(next);
  EXPECT_EQ(next->items, list_of({"b", "c"}));
}

TEST(McpPages, ForeignCursorsAreRefused) {
  for (const char* cursor : {"", "*", "a", "YQ=="}) {
    EXPECT_FALSE(page_of(list_of({"a"}), "name", cursor)) << cursor;
  }
}

}  // namespace
}  // namespace lakehouse::worker::mcp
