// SPDX-License-Identifier: PostgreSQL
// The pool against a real server: sharing, bounds, lost servers, pauses.
#include "worker/db/pool.hpp"

#include <atomic>
#include <set>
#include <thread>
#include <vector>

#include "worker/db/database_fixture.hpp"

namespace lakehouse::worker::test {
namespace {

class DatabasePool : public DatabaseTest {
 protected:
  std::int64_t server_process() { return count("SELECT pg_backend_pid()"); }
};

TEST_F(DatabasePool, uses_a_connection_again) { EXPECT_EQ(server_process(), server_process()); }

TEST_F(DatabasePool, replaces_a_connection_that_the_server_has_closed) {
  const std::int64_t before = server_process();
  auto other = connect();
  ASSERT_TRUE(
      other
          .query("SELECT pg_terminate_backend($1::int4)", {db::Value::integer(before)}, within(10s))
          .is_ok());
  ASSERT_TRUE(eventually([&] {
    auto rows = other.query("SELECT count(*) FROM pg_stat_activity WHERE pid = $1::int4",
                            {db::Value::integer(before)}, within(10s));
    return rows && rows->row(0).integer() == 0;
  }));
  EXPECT_NE(server_process(), before);
}

TEST_F(DatabasePool, never_lends_more_than_its_bound) {
  std::vector<db::Pool::Lease> leases;
  for (int i = 0; i < 4; ++i) leases.push_back(*pool_->acquire(within(10s)));
  const auto fifth = pool_->acquire(within(50ms));
  ASSERT_FALSE(fifth.is_ok());
  EXPECT_EQ(fifth.error().code, ErrorCode::kTimeout);
  leases.pop_back();
  EXPECT_TRUE(pool_->acquire(within(10s)).is_ok());
}

TEST_F(DatabasePool, hands_a_returned_connection_to_who_waits) {
  std::vector<db::Pool::Lease> leases;
  for (int i = 0; i < 4; ++i) leases.push_back(*pool_->acquire(within(10s)));
  std::atomic<bool> is_served = false;
  std::jthread waiting([&] { is_served = pool_->acquire(within(10s)).is_ok(); });
  leases.clear();
  waiting.join();
  EXPECT_TRUE(is_served);
}

TEST_F(DatabasePool, stops_waiting_when_asked) {
  std::vector<db::Pool::Lease> leases;
  for (int i = 0; i < 4; ++i) leases.push_back(*pool_->acquire(within(10s)));
  std::stop_source stop;
  std::jthread stopper([&] { stop.request_stop(); });
  const auto fifth = pool_->acquire(Context{Deadline::never(), stop.get_token(), {}});
  EXPECT_EQ(fifth.error().code, ErrorCode::kCancelled);
}

TEST_F(DatabasePool, serves_many_threads_with_few_connections) {
  std::atomic<int> sum = 0;
  std::vector<std::jthread> threads;
  for (int i = 0; i < 16; ++i) {
    threads.emplace_back([&] {
      for (int n = 0; n < 10; ++n) {
        auto rows = pool_->query("SELECT 1::int4", {}, within(30s));
        if (rows) sum += static_cast<int>(rows->row(0).integer());
      }
    });
  }
  threads.clear();
  EXPECT_EQ(sum, 160);
  EXPECT_LE(count("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND "
                  "application_name = 'lakehouse-worker'"),
            4);
}

TEST_F(DatabasePool, says_the_last_error_while_it_pauses) {
  db::Target nowhere = target_;
  nowhere.host = "127.0.0.1";
  nowhere.port = 1;
  db::Pool pool(nowhere, {4, 10s, 10s});
  EXPECT_EQ(pool.check(within(10s)).error().code, ErrorCode::kUnavailable);
  const auto began = std::chrono::steady_clock::now();
  const Status paused = pool.check(within(50ms));
  EXPECT_EQ(paused.error().code, ErrorCode::kUnavailable);
  EXPECT_FALSE(paused.error().detail.empty());
  EXPECT_LT(std::chrono::steady_clock::now() - began, 5s);
}

TEST_F(DatabasePool, tries_again_after_the_pause) {
  db::Target nowhere = target_;
  nowhere.host = "127.0.0.1";
  nowhere.port = 1;
  db::Pool pool(nowhere, {1, 1ms, 1ms});
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(pool.check(within(10s)).error().code, ErrorCode::kUnavailable);
  }
}

TEST_F(DatabasePool, is_healthy_when_the_database_answers) {
  EXPECT_TRUE(pool_->check(within(10s)).is_ok());
}

}  // namespace
}  // namespace lakehouse::worker::test
