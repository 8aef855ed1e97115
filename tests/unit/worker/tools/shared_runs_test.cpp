// SPDX-License-Identifier: PostgreSQL
// Who runs, who waits, and who may stop a run that several wait for.
#include "worker/tools/shared_runs.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

#include "worker/eventually.hpp"

namespace lakehouse::worker::test {
namespace {

using namespace std::chrono_literals;

// A run that goes on until it is let go or stopped.
class SharedRunsTest : public testing::Test {
 protected:
  Result<tools::Outcome> run(const std::string& key, const Context& context) {
    return runs_.run(
        key,
        [this](const Context& bounds) -> Result<tools::Outcome> {
          ++started_;
          while (!is_free_ && !bounds.stop.stop_requested()) std::this_thread::sleep_for(1ms);
          if (!is_free_) return cancelled_error();
          tools::Outcome outcome;
          outcome.content = "{}";
          return outcome;
        },
        context);
  }
  static Context until(const std::stop_source& stop) {
    return {Deadline::in(20s), stop.get_token(), {}};
  }

  tools::SharedRuns runs_;
  std::atomic<int> started_ = 0;
  std::atomic<bool> is_free_ = false;
};

TEST_F(SharedRunsTest, equal_calls_run_once) {
  std::atomic<int> answered = 0;
  const std::stop_source stop;
  std::vector<std::jthread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&] { answered += run("a", until(stop)).is_ok() ? 1 : 0; });
  }
  EXPECT_TRUE(eventually([&] { return runs_.waiting_for("a") == 8; }));
  is_free_ = true;
  threads.clear();
  EXPECT_EQ(answered, 8);
  EXPECT_EQ(started_, 1);
}

TEST_F(SharedRunsTest, nothing_is_kept_beyond_the_run) {
  is_free_ = true;
  const std::stop_source stop;
  ASSERT_TRUE(run("a", until(stop)).is_ok());
  ASSERT_TRUE(run("a", until(stop)).is_ok());
  EXPECT_EQ(started_, 2);
}

TEST_F(SharedRunsTest, other_calls_run_beside_it) {
  const std::stop_source stop;
  std::jthread first([&] { (void)run("a", until(stop)); });
  std::jthread second([&] { (void)run("b", until(stop)); });
  EXPECT_TRUE(eventually([&] { return started_ == 2; }));
  is_free_ = true;
}

TEST_F(SharedRunsTest, run_goes_on_for_the_others_when_its_own_client_leaves) {
  std::stop_source first_stop;
  const std::stop_source second_stop;
  std::atomic<bool> is_served = false;
  std::jthread first([&] { (void)run("a", until(first_stop)); });
  ASSERT_TRUE(eventually([&] { return started_ == 1; }));
  std::jthread second([&] { is_served = run("a", until(second_stop)).is_ok(); });
  ASSERT_TRUE(eventually([&] { return runs_.waiting_for("a") == 2; }));
  first_stop.request_stop();
  ASSERT_TRUE(eventually([&] { return runs_.waiting_for("a") == 1; }));
  is_free_ = true;
  second.join();
  EXPECT_TRUE(is_served);
  EXPECT_EQ(started_, 1);
}

TEST_F(SharedRunsTest, last_client_that_leaves_stops_the_run) {
  std::stop_source first_stop, second_stop;
  std::jthread first([&] { (void)run("a", until(first_stop)); });
  ASSERT_TRUE(eventually([&] { return started_ == 1; }));
  Result<tools::Outcome> followed = tools::Outcome{};
  std::jthread second([&] { followed = run("a", until(second_stop)); });
  ASSERT_TRUE(eventually([&] { return runs_.waiting_for("a") == 2; }));
  first_stop.request_stop();
  second_stop.request_stop();
  first.join();
  second.join();
  ASSERT_FALSE(followed.is_ok());
  EXPECT_EQ(followed.error().code, ErrorCode::kCancelled);
}

TEST_F(SharedRunsTest, follower_waits_no_longer_than_its_deadline) {
  const std::stop_source stop;
  std::jthread first([&] { (void)run("a", until(stop)); });
  ASSERT_TRUE(eventually([&] { return started_ == 1; }));
  const auto followed = run("a", {Deadline::in(20ms), {}, {}});
  ASSERT_FALSE(followed.is_ok());
  EXPECT_EQ(followed.error().code, ErrorCode::kTimeout);
  is_free_ = true;
}

}  // namespace
}  // namespace lakehouse::worker::test
