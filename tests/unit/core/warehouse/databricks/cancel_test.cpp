// SPDX-License-Identifier: PostgreSQL
// Cancelling and closing: at every moment of a statement's life the service is told, and soon.
#include <thread>

#include "core/warehouse/databricks/workspace_fixture.hpp"

namespace lakehouse::warehouse::databricks {
namespace {

using http::Method;

const std::string kInlineRows = success(manifest(1, 1), R"({"row_count":1,"data_array":[["a"]]})");

class CancelTest : public Workspaced {
 protected:
  void SetUp() override {
    Workspaced::SetUp();
    client.script(Method::kPost, kCancel, {json("{}")});
    client.script(Method::kDelete, kOne, {json("{}")});
  }
  Context stoppable() {
    Context context = patience();
    context.stop = stop.get_token();
    return context;
  }
  std::stop_source stop;
};

TEST_F(CancelTest, during_the_submit_leaves_at_once_and_ends_the_statement_when_its_id_is_known) {
  client.script(Method::kPost, kStatements, {held()});
  std::jthread stopper([&] {
    client.wait_for(Method::kPost, kStatements, 1);
    stop.request_stop();
  });
  const auto statement = warehouse->submit(query(), stoppable());
  ASSERT_FALSE(statement);
  EXPECT_EQ(statement.error().code, ErrorCode::kCancelled);
  EXPECT_EQ(client.count(Method::kPost, kCancel), 0U);
  ASSERT_TRUE(client.release(Method::kPost, kStatements, in_state("PENDING")));
  EXPECT_TRUE(client.wait_for(Method::kPost, kCancel, 1));
  EXPECT_TRUE(client.wait_for(Method::kDelete, kOne, 1));
}

TEST_F(CancelTest, deadline_during_the_submit_ends_the_statement_too) {
  client.script(Method::kPost, kStatements, {held()});
  Context context;
  context.deadline = Deadline::in(std::chrono::milliseconds(20));
  const auto statement = warehouse->submit(query(), context);
  ASSERT_FALSE(statement);
  EXPECT_EQ(statement.error().code, ErrorCode::kTimeout);
  ASSERT_TRUE(client.release(Method::kPost, kStatements, in_state("PENDING")));
  EXPECT_TRUE(client.wait_for(Method::kDelete, kOne, 1));
}

TEST_F(CancelTest, while_polling_wakes_the_waiter_and_tells_the_service) {
  client.script(Method::kPost, kStatements, {in_state("PENDING")});
  client.script(Method::kGet, kOne, {in_state("RUNNING")});
  auto statement = warehouse->submit(query(), patience());
  ASSERT_TRUE(statement);
  std::jthread stopper([&] {
    client.wait_for(Method::kGet, kOne, 3);
    stop.request_stop();
  });
  const Status status = (*statement)->wait(stoppable());
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, ErrorCode::kCancelled);
  EXPECT_TRUE(client.wait_for(Method::kPost, kCancel, 1));
  statement->reset();
  EXPECT_EQ(client.count(Method::kDelete, kOne), 1U);
  EXPECT_EQ(client.count(Method::kPost, kCancel), 1U);
}

TEST_F(CancelTest, during_a_poll_that_hangs_wakes_the_waiter) {
  client.script(Method::kPost, kStatements, {in_state("PENDING")});
  client.script(Method::kGet, kOne, {held()});
  auto statement = warehouse->submit(query(), patience());
  ASSERT_TRUE(statement);
  std::jthread canceller([&] {
    client.wait_for(Method::kGet, kOne, 1);
    (*statement)->cancel();
  });
  const Status status = (*statement)->wait(patience());
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, ErrorCode::kCancelled);
}

TEST_F(CancelTest, while_fetching_wakes_the_reader_and_closes) {
  client.script(Method::kPost, kStatements, {json(success(manifest(1, 1), links(link(0, 0, 1))))});
  client.script(Method::kGet, link_url(0), {held()});
  auto statement = warehouse->submit(query(), patience());
  ASSERT_TRUE(statement);
  ASSERT_TRUE((*statement)->wait(patience()));
  std::jthread stopper([&] {
    client.wait_for(Method::kGet, link_url(0), 1);
    stop.request_stop();
  });
  const auto batch = (*statement)->next_batch(stoppable());
  ASSERT_FALSE(batch);
  EXPECT_EQ(batch.error().code, ErrorCode::kCancelled);
  statement->reset();
  EXPECT_EQ(client.count(Method::kDelete, kOne), 1U);
  EXPECT_EQ(client.count(Method::kPost, kCancel),
            0U);  // it had succeeded: there was nothing left to cancel
}

TEST_F(CancelTest, may_come_many_times_and_from_many_threads) {
  client.script(Method::kPost, kStatements, {in_state("PENDING")});
  auto statement = warehouse->submit(query(), patience());
  ASSERT_TRUE(statement);
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 4; ++i) threads.emplace_back([&] { (*statement)->cancel(); });
  }
  EXPECT_EQ((*statement)->wait(patience()).error().code, ErrorCode::kCancelled);
  (*statement)->close(patience());
  (*statement)->close(patience());
  EXPECT_EQ(client.count(Method::kPost, kCancel), 1U);
  EXPECT_EQ(client.count(Method::kDelete, kOne), 1U);
}

TEST_F(CancelTest, close_cancels_first_what_still_runs) {
  client.script(Method::kPost, kStatements, {in_state("PENDING")});
  auto statement = warehouse->submit(query(), patience());
  ASSERT_TRUE(statement);
  (*statement)->close(patience());
  std::vector<std::string> order;
  for (const auto& request : client.all_requests()) {
    if (request.url == kCancel || request.method == Method::kDelete) order.push_back(request.url);
  }
  EXPECT_EQ(order, (std::vector<std::string>{kCancel, kOne}));
}

TEST_F(CancelTest, close_waits_no_longer_than_its_deadline) {
  client.script(Method::kPost, kStatements, {json(kInlineRows)});
  client.script(Method::kDelete, kOne, {held()});
  auto statement = warehouse->submit(query(), patience());
  ASSERT_TRUE(statement);
  ASSERT_TRUE((*statement)->wait(patience()));
  Context context;
  context.deadline = Deadline::in(std::chrono::milliseconds(20));
  const auto start = std::chrono::steady_clock::now();
  (*statement)->close(context);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(5));
  ASSERT_TRUE(client.release(Method::kDelete, kOne, json("{}")));
}

TEST_F(CancelTest, destruction_closes_a_statement_that_was_read) {
  client.script(Method::kPost, kStatements, {json(kInlineRows)});
  EXPECT_FALSE(run(query()).error);
  EXPECT_EQ(client.count(Method::kDelete, kOne), 1U);
  EXPECT_EQ(client.count(Method::kPost, kCancel), 0U);
}

TEST_F(CancelTest, a_statement_outlives_its_warehouse) {
  client.script(Method::kPost, kStatements, {json(kInlineRows)});
  auto statement = warehouse->submit(query(), patience());
  ASSERT_TRUE(statement);
  warehouse.reset();
  ASSERT_TRUE((*statement)->wait(patience()));
  EXPECT_TRUE((*statement)->next_batch(patience()));
}

TEST_F(CancelTest, deadline_while_polling_is_a_timeout) {
  client.script(Method::kPost, kStatements, {in_state("PENDING")});
  client.script(Method::kGet, kOne, {in_state("RUNNING")});
  auto statement = warehouse->submit(query(), patience());
  ASSERT_TRUE(statement);
  Context context;
  context.deadline = Deadline::in(std::chrono::milliseconds(50));
  EXPECT_EQ((*statement)->wait(context).error().code, ErrorCode::kTimeout);
}

}  // namespace
}  // namespace lakehouse::warehouse::databricks
