// SPDX-License-Identifier: PostgreSQL
// Lists of scopes.
#include "worker/oauth/scope.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lakehouse::worker::oauth {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(Scope, SplitsSortsAndDropsDoubles) {
  EXPECT_THAT(split_scopes("  crm:write crm:read  crm:write "),
              ElementsAre("crm:read", "crm:write"));
  EXPECT_THAT(split_scopes(""), IsEmpty());
  EXPECT_THAT(split_scopes("   "), IsEmpty());
}

TEST(Scope, NarrowsToWhatIsAllowed) {
  const std::vector<std::string> allowed = {"crm:read", "crm:write"};
  EXPECT_EQ(narrow({}, allowed), allowed);
  EXPECT_THAT(narrow({"crm:write", "openid"}, allowed), ElementsAre("crm:write"));
  EXPECT_THAT(narrow({"erp:read"}, allowed), IsEmpty());
}

TEST(Scope, EachHasWords) {
  for (const ScopeFacts& scope : all_scopes()) EXPECT_FALSE(scope.words.empty());
  EXPECT_THAT(scope_names(), ElementsAre("crm:read", "crm:write", "erp:read", "warehouse:query"));
}

}  // namespace
}  // namespace lakehouse::worker::oauth
