// SPDX-License-Identifier: PostgreSQL
// Who may end or answer a call, and that nobody else does.
#include "worker/mcp/running.hpp"

#include <gtest/gtest.h>

#include <thread>

namespace lakehouse::worker::mcp {
namespace {

using std::chrono::seconds;

TEST(McpRunning, CancelsByItsSessionAndIdAlone) {
  Running running;
  const Running::Entry mine(running, "s1", "1", 10, {});
  const Running::Entry other(running, "s2", "1", 11, {});
  EXPECT_FALSE(running.cancel("s1", "2"));
  EXPECT_FALSE(running.cancel("s3", "1"));
  EXPECT_TRUE(running.cancel("s1", "1"));
  EXPECT_TRUE(mine.stop().stop_requested());
  EXPECT_FALSE(other.stop().stop_requested());
}

TEST(McpRunning, AnEndedCallIsForgotten) {
  Running running;
  { const Running::Entry gone(running, "s", "1", 10, {}); }
  EXPECT_FALSE(running.cancel("s", "1"));
  EXPECT_TRUE(running.sessions().empty());
}

TEST(McpRunning, TheOuterStopEndsIt) {
  Running running;
  std::stop_source outer;
  const Running::Entry entry(running, "", "1", 10, outer.get_token());
  outer.request_stop();
  EXPECT_TRUE(entry.stop().stop_requested());
}

TEST(McpRunning, EndsByTokenAndAllTogether) {
  Running running;
  const Running::Entry first(running, "", "1", 10, {});
  const Running::Entry second(running, "", "1", 11, {});
  EXPECT_EQ(running.tokens(), (std::set<std::int64_t>{10, 11}));
  running.end_tokens({11});
  EXPECT_FALSE(first.stop().stop_requested());
  EXPECT_TRUE(second.stop().stop_requested());
  running.end_all();
  EXPECT_TRUE(first.stop().stop_requested());
  const Running::Entry late(running, "", "2", 10, {});
  EXPECT_TRUE(late.stop().stop_requested());
}

TEST(McpRunning, ResponsesReachTheCallThatWaits) {
  Running running;
  Running::Entry entry(running, "s", "1", 10, {});
  entry.expect("\"q\"");
  EXPECT_FALSE(running.deliver("s", "\"other\"", {}));
  EXPECT_FALSE(running.deliver("elsewhere", "\"q\"", {}));
  std::thread client([&running] {
    EXPECT_TRUE(running.deliver("s", "\"q\"", *json::parse(R"({"result":{"a":1}})")));
    EXPECT_FALSE(running.deliver("s", "\"q\"", {}));
  });
  const auto answer = entry.await("\"q\"", Context{Deadline::in(seconds(10)), {}, {}});
  client.join();
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->to_json(), R"({"result":{"a":1}})");
}

TEST(McpRunning, AwaitingEndsWithTheCall) {
  Running running;
  Running::Entry entry(running, "s", "1", 10, {});
  entry.expect("\"q\"");
  std::thread canceller([&running] { EXPECT_TRUE(running.cancel("s", "1")); });
  EXPECT_FALSE(entry.await("\"q\"", Context{Deadline::in(seconds(60)), {}, {}}));
  canceller.join();
  EXPECT_FALSE(entry.await("\"q\"", Context{Deadline::in(seconds(0)), {}, {}}));
}

}  // namespace
}  // namespace lakehouse::worker::mcp
