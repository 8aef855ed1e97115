// SPDX-License-Identifier: PostgreSQL
// Deadline: bounds, order and the end of the clock.
#include <gtest/gtest.h>

#include "core/base/context.hpp"

namespace lakehouse {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;

TEST(Deadline, never_does_not_pass_and_leaves_the_ceiling) {
  EXPECT_FALSE(Deadline::never().has_passed());
  EXPECT_EQ(Deadline::never().left(milliseconds(7)), milliseconds(7));
}

TEST(Deadline, in_the_past_has_passed_and_leaves_nothing) {
  const Deadline deadline = Deadline::in(milliseconds(-5));
  EXPECT_TRUE(deadline.has_passed());
  EXPECT_EQ(deadline.left(milliseconds(7)), milliseconds(0));
}

TEST(Deadline, ahead_leaves_no_more_than_the_span_or_the_ceiling) {
  const Deadline deadline = Deadline::in(hours(1));
  EXPECT_FALSE(deadline.has_passed());
  EXPECT_EQ(deadline.left(milliseconds(50)), milliseconds(50));
  EXPECT_LE(deadline.left(hours(2)), hours(1));
  EXPECT_GT(deadline.left(hours(2)), milliseconds(0));
}

TEST(Deadline, longest_span_is_never_instead_of_the_past) {
  EXPECT_TRUE(Deadline::in(Deadline::Clock::duration::max()).is_never());
}

TEST(Deadline, sooner_picks_the_earlier_of_two) {
  const Deadline near = Deadline::in(milliseconds(1));
  const Deadline far = Deadline::in(hours(1));
  EXPECT_EQ(far.sooner(near).at(), near.at());
  EXPECT_EQ(near.sooner(Deadline::never()).at(), near.at());
}

}  // namespace
}  // namespace lakehouse
