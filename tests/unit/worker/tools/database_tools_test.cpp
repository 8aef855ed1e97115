// SPDX-License-Identifier: PostgreSQL
// Calls as a caller's own role: what they may, what they leave behind, and how they end.
#include "worker/tools/database_tools.hpp"

#include <thread>

#include "worker/json/value.hpp"
#include "worker/tools/database_library.hpp"
#include "worker/tools/tools_fixture.hpp"

namespace lakehouse::worker::test {
namespace {

class DatabaseToolsTest : public ToolsTest {
 protected:
  void TearDown() override {
    drop_functions();
    ToolsTest::TearDown();
  }
  std::int64_t accounts() {
    return run("SELECT count(*) FROM " + slug_ + ".accounts").row(0).integer();
  }
};

TEST_F(DatabaseToolsTest, lists_what_the_scopes_open) {
  oauth::Identity who = caller("member");
  const auto all = tools_->list(who, within(30s));
  ASSERT_TRUE(all.is_ok()) << all.error().message;
  EXPECT_NE(all->find("\"create_account\""), std::string::npos);
  who.scopes = {"crm:read"};
  const auto reading = tools_->list(who, within(30s));
  ASSERT_TRUE(reading.is_ok());
  EXPECT_NE(reading->find("\"list_records\""), std::string::npos);
  EXPECT_EQ(reading->find("\"create_account\""), std::string::npos);
}

TEST_F(DatabaseToolsTest, finds_a_tool_or_nothing) {
  const auto found = tools_->find(caller("member"), "create_account", within(30s));
  ASSERT_TRUE(found.is_ok() && *found);
  EXPECT_EQ((*found)->scope, "crm:write");
  EXPECT_FALSE((*found)->is_read_only);
  EXPECT_TRUE((*found)->is_structured);
  for (const char* name : {"nosuch", "", "'; SELECT 1", "\xFF"}) {
    const auto none = tools_->find(caller("member"), name, within(30s));
    ASSERT_TRUE(none.is_ok()) << none.error().message;
    EXPECT_FALSE(*none);
  }
}

TEST_F(DatabaseToolsTest, runs_as_the_caller_and_leaves_the_session_as_it_was) {
  const tools::Tool probe = add_function(
      "ut_who",
      "RETURN jsonb_build_object('role', current_user, 'path', current_schemas(false), "
      "'client', current_setting('application_name'), "
      "'agent', current_setting('lakehouse.agent_session'));",
      true);
  for (const char* kind : {"admin", "member", "readonly", "member"}) {
    const oauth::Identity who = caller(kind);
    const auto outcome = tools_->call(who, probe, {}, within(30s));
    ASSERT_TRUE(outcome.is_ok());
    const json::Value found = parsed(*outcome);
    EXPECT_EQ(found.string("role"), who.role);
    EXPECT_EQ(found.string("client"), "mcp:crm_test");
    EXPECT_EQ(found.string("agent"), "off");
    EXPECT_EQ(found.find("path")->members[0].value.text, slug_);
  }
  auto rows = tools_->pool().query("SELECT current_user::text, current_setting('search_path')", {},
                                   within(30s));
  ASSERT_TRUE(rows.is_ok());
  EXPECT_EQ(rows->row(0).text(), "lakehouse_worker");
}

TEST_F(DatabaseToolsTest, writes_with_the_callers_rights_agents_included) {
  for (const char* kind : {"admin", "member", "agent"}) {
    const auto outcome =
        call(caller(kind), "create_account", "{\"name\": \"Made by " + std::string(kind) + "\"}");
    EXPECT_FALSE(outcome.failure) << kind << " " << outcome.failure->message;
  }
  EXPECT_EQ(accounts(), 3);
  EXPECT_EQ(code_of(call(caller("readonly"), "create_account", "{\"name\": \"x\"}")), "FORBIDDEN");
  EXPECT_EQ(accounts(), 3);
}

TEST_F(DatabaseToolsTest, failed_call_leaves_nothing_behind) {
  const tools::Tool probe = add_function(
      "ut_half",
      "INSERT INTO accounts (name) VALUES ('half'); RAISE EXCEPTION 'gone' USING ERRCODE "
      "= 'P0002';",
      false);
  const auto outcome = tools_->call(caller("member"), probe, {}, within(30s));
  ASSERT_TRUE(outcome.is_ok());
  EXPECT_EQ(code_of(*outcome), "NOT_FOUND");
  EXPECT_EQ(accounts(), 0);
}

TEST_F(DatabaseToolsTest, agent_calls_nothing_that_is_no_tool) {
  const tools::Tool probe = add_function("ut_other", "RETURN '{}'::jsonb;", true);
  const auto outcome = tools_->call(caller("agent"), probe, {}, within(30s));
  ASSERT_TRUE(outcome.is_ok());
  EXPECT_EQ(code_of(*outcome), "INVALID_QUERY");
  EXPECT_TRUE(outcome->failure->details.starts_with("FUNCTION_NOT_ALLOW_LISTED \"ut_other\""));
}

TEST_F(DatabaseToolsTest, refuses_a_function_that_is_not_ours) {
  for (const char* function :
       {"pg_catalog.pg_sleep", "lakehouse.x(); --", "lakehouse.", "lakehouse.X"}) {
    tools::Tool tool;
    tool.name = "t";
    tool.kind = "function";
    tool.function = function;
    EXPECT_EQ(tools_->call(caller("member"), tool, {}, within(30s)).error().code,
              ErrorCode::kInternal);
  }
}

TEST_F(DatabaseToolsTest, records_intent_and_outcome_without_arguments) {
  (void)call(caller("member"), "create_account", "{\"name\": \"canary\"}");
  const auto records = audit_.records();
  ASSERT_EQ(records.size(), 2U);
  EXPECT_EQ(records[0].phase, 0);
  EXPECT_EQ(records[1].phase, 1);
  EXPECT_EQ(records[0].audit_id, records[1].audit_id);
  EXPECT_EQ(records[0].statement, "tool create_account");
  EXPECT_EQ(records[0].application_name, "mcp:crm_test");
  EXPECT_EQ(records[0].role, caller("member").role);
  EXPECT_EQ(records[0].statement_hash.size(), 32U);
  EXPECT_GT(records[1].bytes, 0);
  EXPECT_EQ(records[1].sqlstate, "");
  (void)call(caller("readonly"), "create_account", "{\"name\": \"canary\"}");
  EXPECT_EQ(audit_.records()[3].sqlstate, "42501");
  EXPECT_EQ(audit_.records()[3].code, "FORBIDDEN");
}

TEST_F(DatabaseToolsTest, runs_nothing_that_can_not_be_recorded) {
  const auto tool = tools_->find(caller("member"), "create_account", within(30s));
  audit_.is_full = true;
  tools::Invocation invocation;
  invocation.arguments = "{\"name\": \"x\"}";
  const auto outcome = tools_->call(caller("member"), **tool, invocation, within(30s));
  ASSERT_FALSE(outcome.is_ok());
  EXPECT_EQ(outcome.error().code, ErrorCode::kUnavailable);
  EXPECT_EQ(accounts(), 0);
}

TEST_F(DatabaseToolsTest, stop_cancels_the_statement_at_once) {
  const tools::Tool probe =
      add_function("ut_sleep", "PERFORM pg_sleep(60); RETURN '{}'::jsonb;", true);
  std::stop_source stop;
  const oauth::Identity who = caller("member");
  const auto running = [&] {
    // A cancel that comes before the sleep can get lost between two messages of the protocol.
    return run("SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND query LIKE "
               "'%ut_sleep%' AND usename = 'lakehouse_worker'")
        .row(0)
        .integer();
  };
  Result<tools::Outcome> outcome = tools::Outcome{};
  std::jthread calling([&] {
    outcome = tools_->call(who, probe, {}, {Deadline::in(60s), stop.get_token(), {}});
  });
  ASSERT_TRUE(eventually([&] { return running() == 1; }));
  stop.request_stop();
  EXPECT_TRUE(eventually([&] { return running() == 0; }, 800ms));
  calling.join();
  ASSERT_FALSE(outcome.is_ok());
  EXPECT_EQ(outcome.error().code, ErrorCode::kCancelled);
}

TEST_F(DatabaseToolsTest, equal_reads_at_the_same_time_run_once_and_writes_never) {
  run("CREATE SEQUENCE lakehouse.ut_runs");
  run("GRANT USAGE ON SEQUENCE lakehouse.ut_runs TO lakehouse_user");
  const std::string body =
      "PERFORM nextval('lakehouse.ut_runs'), pg_sleep(0.5); RETURN '{}'::jsonb;";
  const tools::Tool read = add_function("ut_read", body, true);
  const tools::Tool write = add_function("ut_write", body, false);
  const oauth::Identity who = caller("member");
  const auto call_often = [&](const tools::Tool& tool) {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([&] { EXPECT_TRUE(tools_->call(who, tool, {}, within(30s)).is_ok()); });
    }
  };
  const auto runs = [&] { return run("SELECT nextval('lakehouse.ut_runs')").row(0).integer() - 1; };
  call_often(read);
  EXPECT_EQ(runs(), 1);
  call_often(write);
  EXPECT_EQ(runs(), 6);  // one of them was our look
  run("DROP SEQUENCE lakehouse.ut_runs");
}

class Heard final : public tools::Listener {
 public:
  void on_progress(std::string_view progress, std::string_view message) override {
    text += "P" + std::string(progress) + std::string(message) + ";";
  }
  void on_log(std::string_view level, std::string_view data) override {
    text += "L" + std::string(level) + std::string(data) + ";";
  }
  std::string text;
};

TEST_F(DatabaseToolsTest, passes_on_what_a_function_says_while_it_runs) {
  const tools::Tool probe = add_function(
      "ut_says",
      "RAISE INFO USING ERRCODE = 'LHPRG', MESSAGE = 'half', DETAIL = '{\"progress\": 1}';"
      "RAISE INFO USING ERRCODE = 'LHLOG', MESSAGE = 'warning', DETAIL = '\"x\"';"
      "RAISE NOTICE 'not for clients'; RETURN '{}'::jsonb;",
      true);
  Heard heard;
  tools::Invocation invocation;
  invocation.listener = &heard;
  ASSERT_TRUE(tools_->call(caller("member"), probe, invocation, within(30s)).is_ok());
  EXPECT_EQ(heard.text, "P{\"progress\": 1}half;Lwarning\"x\";");
}

TEST_F(DatabaseToolsTest, user_who_lost_the_role_can_not_act) {
  oauth::Identity who = caller("member");
  const auto tool = tools_->find(who, "list_records", within(30s));
  run("REVOKE " + who.role + " FROM lakehouse_worker");
  tools::Invocation invocation;
  invocation.arguments = "{\"kind\": \"account\"}";
  const auto outcome = tools_->call(who, **tool, invocation, within(30s));
  ASSERT_TRUE(outcome.is_ok());
  EXPECT_EQ(code_of(*outcome), "FORBIDDEN");
}

TEST_F(DatabaseToolsTest, whoami_knows_token_and_client) {
  const json::Value found = parsed(call(caller("member"), "whoami"));
  EXPECT_EQ(found.find("scopes")->members.size(), 3U);
  EXPECT_EQ(found.object("client").string("id"), "crm_test");
}

TEST_F(DatabaseToolsTest, library_reads_as_the_caller) {
  tools::DatabaseLibrary library(tools_->pool(), audit_);
  for (const char* kind : {"member", "agent"}) {
    const oauth::Identity who = caller(kind);
    const auto resources = library.resources(who, within(30s));
    ASSERT_TRUE(resources.is_ok()) << resources.error().message;
    EXPECT_NE(resources->find("crm://schema"), std::string::npos);
    const auto read = library.read(who, "crm://pipelines", {}, within(30s));
    ASSERT_TRUE(read.is_ok());
    EXPECT_FALSE(read->failure) << read->failure->message;
    EXPECT_EQ(code_of(*library.read(who, "crm://nosuch", {}, within(30s))), "NOT_FOUND");
    tools::Invocation invocation;
    invocation.arguments = R"({"account": "One"})";
    const auto prompt = library.prompt(who, "account_brief", invocation, within(30s));
    ASSERT_TRUE(prompt.is_ok());
    EXPECT_FALSE(prompt->failure) << prompt->failure->message;
    const auto completion = library.complete(
        who,
        R"({"ref": {"type": "ref/prompt", "name": "account_brief"}, "argument": {"name": "account", "value": "O"}})",
        within(30s));
    ASSERT_TRUE(completion.is_ok());
    EXPECT_NE(completion->content.find("completion"), std::string::npos);
    EXPECT_TRUE(library.prompts(who, within(30s)).is_ok());
  }
}

TEST_F(DatabaseToolsTest, simple_read_takes_less_than_two_milliseconds) {
  const oauth::Identity who = caller("member");
  const auto tool = tools_->find(who, "list_pipelines", within(30s));
  std::vector<double> times;
  for (int i = 0; i < 300; ++i) {
    const auto began = std::chrono::steady_clock::now();
    ASSERT_TRUE(tools_->call(who, **tool, {}, within(30s)).is_ok());
    times.push_back(
        std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - began)
            .count());
  }
  std::sort(times.begin(), times.end());
  RecordProperty("p50_ms", std::to_string(times[150]));
  std::printf("list_pipelines: p50 %.3f ms, p95 %.3f ms\n", times[150], times[285]);
  EXPECT_LT(times[75], 2.0);
}

}  // namespace
}  // namespace lakehouse::worker::test
