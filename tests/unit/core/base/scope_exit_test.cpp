// SPDX-License-Identifier: PostgreSQL
// ScopeExit: runs once at the end of its scope, unless released.
#include <gtest/gtest.h>

#include "core/base/scope_exit.hpp"

namespace lakehouse {
namespace {

TEST(ScopeExit, runs_once_when_the_scope_is_left) {
  int runs = 0;
  {
    const ScopeExit counting([&runs]() noexcept { ++runs; });
    EXPECT_EQ(runs, 0);
  }
  EXPECT_EQ(runs, 1);
}

TEST(ScopeExit, does_not_run_when_released) {
  int runs = 0;
  {
    ScopeExit counting([&runs]() noexcept { ++runs; });
    counting.release();
  }
  EXPECT_EQ(runs, 0);
}

}  // namespace
}  // namespace lakehouse
