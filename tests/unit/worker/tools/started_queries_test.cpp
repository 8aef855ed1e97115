// SPDX-License-Identifier: PostgreSQL
// Queries that are started by one call and asked for, or cancelled, by others: of the same worker
// or of another one.
#include "worker/tools/started_queries.hpp"

#include "worker/tools/tools_fixture.hpp"

namespace lakehouse::worker::test {
namespace {

class StartedQueriesTest : public ToolsTest {
 protected:
  void SetUp() override {
    ToolsTest::SetUp();
    other_worker_ = std::make_unique<tools::DatabaseTools>(target_, audit_, log_);
  }
  void TearDown() override {
    other_worker_.reset();
    release();
    ToolsTest::TearDown();
  }

  // From now on no query of accounts comes to its end.
  void hold_accounts() {
    auto opened = db::Connection::open(*server_under_test(), within(30s));
    ASSERT_TRUE(opened.is_ok());
    holder_ = std::make_unique<db::Connection>(*std::move(opened));
    for (const std::string& sql :
         {std::string("BEGIN"), "LOCK TABLE " + slug_ + ".accounts IN ACCESS EXCLUSIVE MODE"}) {
      ASSERT_TRUE(holder_->query(sql.c_str(), {}, within(30s)).is_ok());
    }
  }
  void release() { holder_.reset(); }

  std::string start(const oauth::Identity& who, const std::string& sql = kCount) {
    const json::Value started =
        parsed(call(who, "start_warehouse_query", "{\"sql\": \"" + sql + "\"}"));
    return std::string(started.string("query_id").value_or(""));
  }
  // And waits until it waits for the accounts.
  std::string start_held(const oauth::Identity& who) {
    std::string id = start(who);
    EXPECT_TRUE(eventually([&] { return is_held(id); })) << id;
    return id;
  }
  bool is_held(const std::string& id) {
    return text(
               "SELECT count(*)::text FROM lakehouse.started_queries q JOIN pg_stat_activity a "
               "ON a.pid = q.backend_pid WHERE a.wait_event_type = 'Lock' AND q.id = '" +
               id + "'") == "1";
  }
  int held() {
    return static_cast<int>(run("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = "
                                "'Lock' AND usename = 'lakehouse_worker'")
                                .row(0)
                                .integer());
  }
  tools::Outcome poll(const oauth::Identity& who, const std::string& id, int seconds = 0) {
    return call(who, "get_warehouse_query",
                "{\"query_id\": \"" + id + "\", \"wait_s\": " + std::to_string(seconds) + "}");
  }
  std::string state(const oauth::Identity& who, const std::string& id, int seconds = 0) {
    return std::string(parsed(poll(who, id, seconds)).string("status").value_or(""));
  }
  tools::Outcome cancel(tools::DatabaseTools& worker, const oauth::Identity& who,
                        const std::string& id) {
    return call_by(worker, who, "cancel_warehouse_query", "{\"query_id\": \"" + id + "\"}");
  }
  std::string cancelled(tools::DatabaseTools& worker, const oauth::Identity& who,
                        const std::string& id) {
    return std::string(parsed(cancel(worker, who, id)).string("status").value_or(""));
  }
  // What the worker looks for, it looks for at once: when it has ended one query it would have
  // ended the others.
  void wait_for_a_look(const oauth::Identity& who) {
    const std::string id = start_held(who);
    EXPECT_EQ(cancelled(*tools_, who, id), "cancelled");
    EXPECT_TRUE(eventually([&] { return recorded_code(id) == "CANCELLED"; }));
  }
  // "" while it runs.
  std::string recorded_code(const std::string& id) {
    for (const wire::RecordAudit& record : audit_.records()) {
      if (record.statement == "started query " + id && record.phase == 1) return record.code;
    }
    return "";
  }

  // It takes less than one second, which the system tests hold it to; sanitizers take their time.
  static constexpr std::chrono::milliseconds kSoon{3000};
  static constexpr const char* kCount = "SELECT count(*) FROM accounts";
  std::unique_ptr<tools::DatabaseTools> other_worker_;
  std::unique_ptr<db::Connection> holder_;
};

TEST_F(StartedQueriesTest, query_is_polled_to_its_end) {
  (void)call(caller("member"), "create_account", "{\"name\": \"One\"}");
  for (const char* kind : {"member", "agent"}) {
    const oauth::Identity who = caller(kind);
    const json::Value started = parsed(call(
        who, "start_warehouse_query",
        R"({"sql": "SELECT name, 1.50::numeric AS n, true AS b, NULL::text AS t FROM accounts"})"));
    const std::string id(started.string("query_id").value_or(""));
    const auto outcome =
        call(who, "get_warehouse_query", "{\"query_id\": \"" + id + "\", \"wait_s\": 20}");
    const json::Value done = parsed(outcome);
    EXPECT_EQ(done.string("status"), "done") << done.to_json();
    EXPECT_NE(outcome.content.find(R"("rows":[["One",1.50,true,null]])"), std::string::npos);
    EXPECT_EQ(done.find("columns")->members[1].value.string("type"), "numeric");
    EXPECT_FALSE(done.boolean("truncated"));
    EXPECT_EQ(
        code_of(call(caller("admin"), "get_warehouse_query", "{\"query_id\": \"" + id + "\"}")),
        "NOT_FOUND");
  }
}

TEST_F(StartedQueriesTest, query_is_under_the_guard_whoever_starts_it) {
  for (const char* sql :
       {"SELECT pg_sleep(1)", "DELETE FROM accounts", "COMMIT", "SELECT 1; SELECT 2",
        "SELECT lakehouse.list_records('{}')", "RESET ROLE", "DEALLOCATE ALL",
        "SELECT set_config('lakehouse.agent_session', 'off', true)"}) {
    for (const char* kind : {"admin", "agent"}) {
      const oauth::Identity who = caller(kind);
      const json::Value started =
          parsed(call(who, "start_warehouse_query", "{\"sql\": \"" + std::string(sql) + "\"}"));
      const std::string id(started.string("query_id").value_or(""));
      const json::Value done = parsed(
          call(who, "get_warehouse_query", "{\"query_id\": \"" + id + "\", \"wait_s\": 20}"));
      EXPECT_EQ(done.string("status"), "failed") << sql;
      EXPECT_TRUE(done.object("error").string("code") == "INVALID_QUERY") << sql << done.to_json();
    }
  }
}

TEST_F(StartedQueriesTest, query_of_a_dead_worker_has_failed) {
  const oauth::Identity who = caller("member");
  const std::string id = text(
      "INSERT INTO lakehouse.started_queries (tenant_id, user_id, client_id, token_id, "
      "backend_pid, backend_start) VALUES ('" +
      who.tenant_id + "', '" + who.user_id + "', 'c', 0, 1, now()) RETURNING id::text");
  const json::Value done =
      parsed(call(who, "get_warehouse_query", "{\"query_id\": \"" + id + "\", \"wait_s\": 20}"));
  EXPECT_EQ(done.string("status"), "failed");
  EXPECT_EQ(done.object("error").string("code"), "UNAVAILABLE");
}

TEST_F(StartedQueriesTest, are_few) {
  const oauth::Identity who = caller("member");
  run("INSERT INTO lakehouse.started_queries (tenant_id, user_id, client_id, token_id) SELECT '" +
      who.tenant_id + "', '" + who.user_id + "', 'c', 0 FROM generate_series(1, 4)");
  EXPECT_EQ(code_of(call(who, "start_warehouse_query", "{\"sql\": \"SELECT 1\"}")), "RATE_LIMITED");
}

TEST_F(StartedQueriesTest, cancelled_query_ends_at_once_whichever_worker_is_asked) {
  const oauth::Identity who = caller("member");
  hold_accounts();
  for (tools::DatabaseTools* asked : {tools_.get(), other_worker_.get()}) {
    const std::string id = start_held(who);
    EXPECT_EQ(cancelled(*asked, who, id), "cancelled");
    EXPECT_TRUE(eventually([&] { return held() == 0; }, kSoon));
    EXPECT_TRUE(eventually([&] { return recorded_code(id) == "CANCELLED"; }));
    EXPECT_EQ(state(who, id), "cancelled");
    EXPECT_EQ(cancelled(*asked, who, id), "cancelled");
  }
}

TEST_F(StartedQueriesTest, query_is_cancelled_by_its_starter_alone) {
  const oauth::Identity who = caller("member");
  hold_accounts();
  const std::string id = start_held(who);
  oauth::Identity stranger = who;
  stranger.tenant_id = text("SELECT gen_random_uuid()::text");
  const auto told = cancel(*tools_, caller("admin"), id).failure;
  ASSERT_TRUE(told);
  EXPECT_EQ(told->code, "NOT_FOUND");
  for (const auto& outcome :
       {cancel(*tools_, caller("admin"), text("SELECT gen_random_uuid()::text")),
        cancel(*tools_, who, "nonsense"), cancel(*tools_, who, ""),
        cancel(*tools_, stranger, id)}) {
    ASSERT_TRUE(outcome.failure);
    EXPECT_EQ(outcome.failure->code, told->code);
    EXPECT_EQ(outcome.failure->message, told->message);
    EXPECT_EQ(outcome.failure->details + outcome.failure->hint, told->details + told->hint);
  }
  wait_for_a_look(who);
  EXPECT_TRUE(is_held(id));
  release();
  EXPECT_EQ(state(who, id, 20), "done");
}

TEST_F(StartedQueriesTest, query_that_waits_for_its_turn_never_begins_once_cancelled) {
  hold_accounts();
  for (const char* kind : {"admin", "readonly"}) {
    for (int i = 0; i < 4; ++i) start_held(caller(kind));
  }
  const oauth::Identity who = caller("member");
  const std::string id = start(who);
  EXPECT_EQ(cancelled(*other_worker_, who, id), "cancelled");
  EXPECT_TRUE(eventually([&] { return recorded_code(id) == "CANCELLED"; }, kSoon));
  release();
  EXPECT_EQ(state(who, id), "cancelled");
  EXPECT_EQ(text("SELECT (backend_pid IS NULL)::text FROM lakehouse.started_queries WHERE id = '" +
                 id + "'"),
            "true");
}

TEST_F(StartedQueriesTest, ended_query_stays_as_it_is) {
  const oauth::Identity who = caller("member");
  const std::string id = start(who);
  EXPECT_EQ(state(who, id, 20), "done");
  EXPECT_EQ(cancelled(*tools_, who, id), "done");
  EXPECT_NE(poll(who, id).content.find("\"rows\":[[0]]"), std::string::npos);
  EXPECT_EQ(recorded_code(id), "");
}

TEST_F(StartedQueriesTest, cancelling_a_query_of_a_dead_worker_says_that_it_failed) {
  const oauth::Identity who = caller("member");
  const std::string id = text(
      "INSERT INTO lakehouse.started_queries (tenant_id, user_id, client_id, token_id, "
      "backend_pid, backend_start) VALUES ('" +
      who.tenant_id + "', '" + who.user_id + "', 'c', 0, 1, now()) RETURNING id::text");
  EXPECT_EQ(cancelled(*tools_, who, id), "failed");
  EXPECT_EQ(parsed(poll(who, id)).object("error").string("code"), "UNAVAILABLE");
}

TEST_F(StartedQueriesTest, query_ends_with_the_access_that_began_it) {
  for (const char* revoke :
       {"UPDATE lakehouse.oauth_access_tokens t SET revoked_at = now() WHERE t.id = $1",
        "UPDATE lakehouse.oauth_grants g SET revoked_at = now() FROM lakehouse.oauth_access_tokens "
        "t WHERE t.grant_id = g.id AND t.id = $1",
        "UPDATE lakehouse.oauth_clients c SET revoked_at = now() FROM lakehouse.oauth_grants g, "
        "lakehouse.oauth_access_tokens t WHERE t.grant_id = g.id AND c.client_id = g.client_id AND "
        "t.id = $1"}) {
    hold_accounts();
    const oauth::Identity who = caller("member");
    const std::string id = start_held(who);
    run(revoke, {db::Value::integer(who.token_id)});
    EXPECT_TRUE(eventually([&] { return held() == 0; }, kSoon)) << revoke;
    EXPECT_TRUE(eventually([&] { return recorded_code(id) == "CANCELLED"; }));
    EXPECT_EQ(state(who, id), "cancelled");
    release();
  }
}

TEST_F(StartedQueriesTest, query_goes_on_when_its_token_has_expired) {
  const oauth::Identity who = caller("member");
  hold_accounts();
  const std::string id = start_held(who);
  run("UPDATE lakehouse.oauth_access_tokens SET expires_at = now() WHERE id = $1",
      {db::Value::integer(who.token_id)});
  wait_for_a_look(caller("member"));
  EXPECT_TRUE(is_held(id));
  release();
  EXPECT_EQ(state(who, id, 20), "done");
}

TEST_F(StartedQueriesTest, result_whose_end_can_not_be_recorded_is_not_given) {
  const oauth::Identity who = caller("member");
  hold_accounts();
  const std::string id = start_held(who);
  audit_.is_full = true;
  release();
  EXPECT_TRUE(eventually([&] {
    return text("SELECT state FROM lakehouse.started_queries WHERE id = '" + id + "'") == "failed";
  }));
}

}  // namespace
}  // namespace lakehouse::worker::test
