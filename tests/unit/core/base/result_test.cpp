// SPDX-License-Identifier: PostgreSQL
// Result: holds one side, moves what can't be copied, and ends the process on the wrong side.
#include <gtest/gtest.h>

#include <memory>

#include "core/base/result.hpp"

namespace lakehouse {
namespace {

Result<std::unique_ptr<int>> make_pointer(bool works) {
  if (works) return std::make_unique<int>(42);
  return Error{ErrorCode::kNotFound, "no pointer", "", ""};
}

TEST(Result, holds_a_value) {
  const auto result = make_pointer(true);
  ASSERT_TRUE(result.is_ok());
  EXPECT_EQ(**result, 42);
}

TEST(Result, holds_an_error) {
  const auto result = make_pointer(false);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::kNotFound);
  EXPECT_EQ(result.error().message, "no pointer");
}

TEST(Result, gives_its_value_away) {
  std::unique_ptr<int> pointer = *make_pointer(true);
  EXPECT_EQ(*pointer, 42);
}

TEST(Result, of_a_string_is_not_confused_with_an_error) {
  const Result<std::string> result = std::string("text");
  EXPECT_EQ(result->size(), 4U);
}

TEST(ResultDeathTest, reading_the_absent_side_ends_the_process) {
  const auto failed = make_pointer(false);
  EXPECT_DEATH(static_cast<void>(*failed), "");
  const auto works = make_pointer(true);
  EXPECT_DEATH(static_cast<void>(works.error()), "");
}

}  // namespace
}  // namespace lakehouse
