// SPDX-License-Identifier: PostgreSQL
// The table of error codes: complete, unambiguous and well-formed.
#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <set>

#include "core/base/error.hpp"

namespace lakehouse {
namespace {

TEST(ErrorCode, every_code_finds_its_own_row) {
  for (std::uint8_t i = 0; i < kErrorCodeCount; ++i) {
    EXPECT_EQ(facts_of(static_cast<ErrorCode>(i)).code, static_cast<ErrorCode>(i));
  }
}

TEST(ErrorCode, last_enumerator_is_counted) {
  EXPECT_EQ(static_cast<int>(ErrorCode::kOutOfMemory) + 1, kErrorCodeCount);
}

TEST(ErrorCode, unknown_code_is_internal) {
  EXPECT_EQ(facts_of(static_cast<ErrorCode>(200)).code, ErrorCode::kInternal);
}

TEST(ErrorCode, names_are_unique) {
  std::set<std::string_view> names;
  for (std::uint8_t i = 0; i < kErrorCodeCount; ++i) {
    names.insert(facts_of(static_cast<ErrorCode>(i)).name);
  }
  EXPECT_EQ(names.size(), kErrorCodeCount);
}

TEST(ErrorCode, sqlstates_are_five_capitals_or_digits) {
  for (std::uint8_t i = 0; i < kErrorCodeCount; ++i) {
    const std::string_view state = facts_of(static_cast<ErrorCode>(i)).sqlstate;
    EXPECT_EQ(state.size(), 5U);
    EXPECT_TRUE(std::all_of(state.begin(), state.end(), [](unsigned char letter) {
      return std::isupper(letter) != 0 || std::isdigit(letter) != 0;
    })) << state;
  }
}

TEST(ErrorCode, http_statuses_are_errors) {
  for (std::uint8_t i = 0; i < kErrorCodeCount; ++i) {
    EXPECT_GE(facts_of(static_cast<ErrorCode>(i)).http_status, 400);
    EXPECT_LT(facts_of(static_cast<ErrorCode>(i)).http_status, 600);
    EXPECT_LT(facts_of(static_cast<ErrorCode>(i)).json_rpc_code, 0);
  }
}

}  // namespace
}  // namespace lakehouse
