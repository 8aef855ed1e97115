// SPDX-License-Identifier: PostgreSQL
// Several statements in one round trip and one transaction.
#include "worker/db/batch.hpp"

#include <thread>

#include "worker/db/database_fixture.hpp"

namespace lakehouse::worker::test {
namespace {

class DatabaseBatch : public DatabaseTest {
 protected:
  static db::Answer answer_of(Result<db::Answer> result) {
    EXPECT_TRUE(result.is_ok()) << result.error().message << " " << result.error().detail;
    return result ? *std::move(result) : db::Answer(db::Report{});
  }
  static std::string cell(const db::Answer& answer) {
    const auto* rows = std::get_if<db::Rows>(&answer);
    if (rows == nullptr) return "report " + std::get<db::Report>(answer).message;
    return rows->count() == 0 ? "no row" : std::string(rows->cell(0, 0).value_or("null"));
  }
};

TEST_F(DatabaseBatch, answers_with_the_last_statement) {
  auto connection = connect();
  const auto answer = answer_of(connection.run(
      {{{"SELECT 1", {}, ""}, {"SELECT $1::text || 'b'", {db::Value::text("a")}, ""}}, {}},
      within(10s)));
  EXPECT_EQ(cell(answer), "ab");
  EXPECT_TRUE(connection.is_usable());
}

TEST_F(DatabaseBatch, is_one_transaction) {
  auto connection = connect();
  run("CREATE TABLE t (k int PRIMARY KEY)");
  const db::Batch failing{{{"INSERT INTO t VALUES (1)", {}, ""},
                           {"INSERT INTO t VALUES (1)", {}, ""},
                           {"SELECT 1", {}, ""}},
                          {}};
  const auto answer = answer_of(connection.run(failing, within(10s)));
  const auto& report = std::get<db::Report>(answer);
  EXPECT_EQ(report.sqlstate, "23505");
  EXPECT_EQ(report.statement, 1U);
  EXPECT_NE(report.detail.find("(k)=(1)"), std::string::npos);
  EXPECT_EQ(count("SELECT count(*) FROM t"), 0);
  EXPECT_TRUE(connection.is_usable());
}

TEST_F(DatabaseBatch, local_settings_end_with_it) {
  auto connection = connect();
  EXPECT_EQ(cell(answer_of(connection.run({{{"SELECT set_config('work_mem', '1MB', true)", {}, ""},
                                            {"SELECT current_setting('work_mem')", {}, ""}},
                                           {}},
                                          within(10s)))),
            "1MB");
  EXPECT_NE(cell(answer_of(connection.run({{{"SELECT current_setting('work_mem')", {}, ""}}, {}},
                                          within(10s)))),
            "1MB");
}

TEST_F(DatabaseBatch, keeps_named_statements_prepared_also_after_failures) {
  auto connection = connect();
  const auto divide = [&](std::int64_t number) {
    return answer_of(
        connection.run({{{"SELECT set_config('work_mem', '1MB', true)", {}, "set"},
                         {"SELECT (12 / $1::int4)::text", {db::Value::integer(number)}, "divide"}},
                        {}},
                       within(10s)));
  };
  EXPECT_EQ(std::get<db::Report>(divide(0)).sqlstate, "22012");
  EXPECT_EQ(cell(divide(3)), "4");
  EXPECT_EQ(std::get<db::Report>(divide(0)).statement, 1U);
  EXPECT_EQ(cell(divide(4)), "3");
  auto prepared = connection.query("SELECT count(*) FROM pg_prepared_statements", {}, within(10s));
  EXPECT_EQ(prepared->row(0).integer(), 2);
}

TEST_F(DatabaseBatch, statement_that_can_not_be_prepared_is_tried_again) {
  auto connection = connect();
  const db::Batch batch{{{"SELECT k FROM later", {}, "look"}}, {}};
  EXPECT_EQ(std::get<db::Report>(answer_of(connection.run(batch, within(10s)))).sqlstate, "42P01");
  run("CREATE TABLE later (k text)");
  run("INSERT INTO later VALUES ('there')");
  EXPECT_EQ(cell(answer_of(connection.run(batch, within(10s)))), "there");
}

TEST_F(DatabaseBatch, refuses_two_statements_in_one) {
  auto connection = connect();
  const auto answer =
      answer_of(connection.run({{{"SELECT 1; SELECT 2", {}, ""}}, {}}, within(10s)));
  EXPECT_EQ(std::get<db::Report>(answer).sqlstate, "42601");
}

TEST_F(DatabaseBatch, passes_on_notices_of_this_run_only) {
  auto connection = connect();
  std::string heard;
  const std::string say = "DO $$ BEGIN RAISE NOTICE USING MESSAGE = 'm', DETAIL = 'd'; END $$";
  ASSERT_TRUE(connection
                  .run({{{say, {}, ""}},
                        [&](const db::Report& notice) { heard += notice.message + notice.detail; }},
                       within(10s))
                  .is_ok());
  EXPECT_EQ(heard, "md");
  db::Connection moved = std::move(connection);
  ASSERT_TRUE(moved.run({{{say, {}, ""}}, {}}, within(10s)).is_ok());
  EXPECT_EQ(heard, "md");
}

TEST_F(DatabaseBatch, stop_cancels_what_runs) {
  auto connection = connect();
  std::stop_source stop;
  const auto sleeping = [&] {
    return count(
        "SELECT count(*) FROM pg_stat_activity WHERE query = 'SELECT pg_sleep(60)' "
        "AND state = 'active'");
  };
  Result<db::Answer> answer = db::Answer(db::Report{});
  std::jthread running([&] {
    answer = connection.run({{{"SELECT pg_sleep(60)", {}, ""}}, {}},
                            {Deadline::in(60s), stop.get_token(), {}});
  });
  ASSERT_TRUE(eventually([&] { return sleeping() == 1; }));
  stop.request_stop();
  EXPECT_TRUE(eventually([&] { return sleeping() == 0; }, 800ms));
  running.join();
  ASSERT_FALSE(answer.is_ok());
  EXPECT_EQ(answer.error().code, ErrorCode::kCancelled);
  EXPECT_FALSE(connection.is_usable());
}

TEST_F(DatabaseBatch, lost_server_is_an_error) {
  auto connection = connect();
  run("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = "
      "current_database() AND pid <> pg_backend_pid()");
  const auto answer = connection.run({{{"SELECT 1", {}, ""}}, {}}, within(10s));
  ASSERT_FALSE(answer.is_ok());
  EXPECT_EQ(answer.error().code, ErrorCode::kUnavailable);
}

}  // namespace
}  // namespace lakehouse::worker::test
