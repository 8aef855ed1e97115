// SPDX-License-Identifier: PostgreSQL
// What the bus hears of a real server, and what it makes of hearing nothing.
#include "worker/mcp/bus.hpp"

#include <spdlog/sinks/ostream_sink.h>

#include <sstream>

#include "worker/db/database_fixture.hpp"

namespace lakehouse::worker::test {
namespace {

using Clock = mcp::ToolLists::Clock;

class McpBus : public DatabaseTest {
 protected:
  void SetUp() override {
    ASSERT_NO_FATAL_FAILURE(DatabaseTest::SetUp());
    bus_ = std::make_unique<mcp::Bus>(target_, running_, listeners_, lists_, log_);
  }
  void TearDown() override {
    bus_.reset();
    DatabaseTest::TearDown();
  }

  // As each request does; true if it found the list kept.
  bool ask() {
    if (lists_.find("a") != nullptr) return true;
    lists_.keep("a", lists_.state(), std::make_shared<const std::string>("[]"));
    return false;
  }
  bool is_kept() { return lists_.find("a") != nullptr; }
  std::int64_t listeners() {
    return count(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
        " AND pid <> pg_backend_pid()");
  }
  void end_listener() {
    run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
        " AND pid <> pg_backend_pid()");
  }

  mcp::Running running_;
  mcp::Listeners listeners_;
  mcp::ToolLists lists_;
  std::ostringstream log_text_;
  log::Log log_{std::make_shared<spdlog::sinks::ostream_sink_mt>(log_text_)};
  std::unique_ptr<mcp::Bus> bus_;
};

TEST_F(McpBus, lists_are_kept_as_soon_as_it_listens_and_until_tools_change) {
  ASSERT_TRUE(eventually([this] { return ask(); }));
  run("SELECT pg_notify('lakehouse_catalog', 'prompts')");
  run("SELECT pg_notify('lakehouse_catalog', 'tools')");
  EXPECT_TRUE(eventually([this] { return !is_kept(); }));
  EXPECT_TRUE(eventually([this] { return ask(); }));
}

TEST_F(McpBus, other_changes_leave_them) {
  ASSERT_TRUE(eventually([this] { return ask(); }));
  const std::uint64_t state = lists_.state();
  run("SELECT pg_notify('lakehouse_catalog', 'prompts')");
  run("SELECT pg_notify('lakehouse_mcp', 'tools')");
  run("SELECT pg_notify('lakehouse_catalog', 'tools')");
  ASSERT_TRUE(eventually([&] { return lists_.state() != state; }));
  EXPECT_EQ(lists_.state(), state + 1);
}

TEST_F(McpBus, keeps_its_trust_alive_while_nothing_happens) {
  ASSERT_TRUE(eventually([this] { return ask(); }));
  const auto later = Clock::now() + 4s;  // one answer is trusted for less
  EXPECT_TRUE(eventually([&] { return Clock::now() >= later && is_kept(); }));
}

TEST_F(McpBus, a_lost_connection_empties_them_until_it_listens_again) {
  ASSERT_TRUE(eventually([this] { return ask(); }));
  run("SELECT pg_notify('lakehouse_catalog', 'tools')");
  ASSERT_TRUE(eventually([this] { return !is_kept(); }));
  ASSERT_TRUE(eventually([this] { return ask(); }));
  end_listener();
  ASSERT_TRUE(eventually([this] { return !is_kept(); }));
  while (listeners() == 0) ASSERT_FALSE(ask());  // not even anew
  EXPECT_TRUE(eventually([this] { return ask(); }));
}

}  // namespace
}  // namespace lakehouse::worker::test
