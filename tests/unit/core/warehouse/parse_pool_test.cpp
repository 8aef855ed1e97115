// SPDX-License-Identifier: PostgreSQL
// The pool of parse threads.
#include "core/warehouse/parse_pool.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <latch>

namespace lakehouse::warehouse {
namespace {

TEST(ParsePool, has_the_threads_asked_for) {
  EXPECT_EQ(ParsePool(3).thread_count(), 3U);
  EXPECT_GE(ParsePool().thread_count(), 1U);
}

TEST(ParsePool, runs_every_task_once) {
  ParsePool pool(4);
  std::atomic<int> runs{0};
  std::latch done(1000);
  for (int i = 0; i < 1000; ++i) {
    pool.post([&] {
      ++runs;
      done.count_down();
    });
  }
  done.wait();
  EXPECT_EQ(runs, 1000);
}

TEST(ParsePool, runs_tasks_side_by_side) {
  ParsePool pool(2);
  std::latch both(2);
  std::latch done(2);
  for (int i = 0; i < 2; ++i) {
    pool.post([&] {
      both.arrive_and_wait();
      done.count_down();
    });
  }
  done.wait();
}

TEST(ParsePool, drops_what_has_not_begun_when_it_ends) {
  const auto owned = std::make_shared<int>(1);
  std::latch is_busy(1);
  std::latch may_end(1);
  std::atomic<int> late_runs{0};
  std::jthread releaser;
  {
    ParsePool pool(1);
    pool.post([&] {
      is_busy.count_down();
      may_end.wait();
    });
    is_busy.wait();
    for (int i = 0; i < 10; ++i) pool.post([&late_runs, owned] { ++late_runs; });
    releaser = std::jthread([&] {
      while (owned.use_count() > 1)
        std::this_thread::yield();  // until the pool has dropped the queue
      may_end.count_down();
    });
  }
  EXPECT_EQ(late_runs, 0);
  EXPECT_EQ(owned.use_count(), 1);
}

}  // namespace
}  // namespace lakehouse::warehouse
