// SPDX-License-Identifier: PostgreSQL
// The libpq wrapper against a real server.
#include "worker/db/connection.hpp"

#include <limits>
#include <thread>

#include "worker/db/database_fixture.hpp"

namespace lakehouse::worker::test {
namespace {

using Clock = std::chrono::steady_clock;

class DatabaseConnection : public DatabaseTest {};

TEST_F(DatabaseConnection, reads_every_kind_of_column) {
  const auto rows =
      run("SELECT 'text'::text, 'v'::varchar, 7::int2, -2::int4, (-9223372036854775808)::int8, "
          "'\\x00ff'::bytea, NULL::bytea, NULL::text, gen_random_uuid()::text, ''::text");
  ASSERT_EQ(rows.count(), 1);
  db::Row row = rows.row(0);
  EXPECT_EQ(row.text(), "text");
  EXPECT_EQ(row.text(), "v");
  EXPECT_EQ(row.integer(), 7);
  EXPECT_EQ(row.integer(), -2);
  EXPECT_EQ(row.integer(), std::numeric_limits<std::int64_t>::min());
  EXPECT_EQ(row.bytes_or_null(), std::string("\0\xFF", 2));
  EXPECT_FALSE(row.bytes_or_null().has_value());
  EXPECT_FALSE(row.text_or_null().has_value());
  EXPECT_EQ(row.text().size(), 36U);
  EXPECT_EQ(row.text_or_null(), "");
  EXPECT_TRUE(row.finish().is_ok());
}

TEST_F(DatabaseConnection, tells_which_column_is_not_as_expected) {
  const auto rows = run("SELECT 1::int4 AS first, 'x'::text AS second");
  db::Row row = rows.row(0);
  row.integer();
  row.integer();
  const Status finished = row.finish();
  ASSERT_FALSE(finished.is_ok());
  EXPECT_NE(finished.error().detail.find("\"second\""), std::string::npos);
}

TEST_F(DatabaseConnection, tells_that_columns_are_missing_or_left_over) {
  const auto rows = run("SELECT 1::int4");
  db::Row missing = rows.row(0);
  missing.integer();
  missing.text();
  EXPECT_FALSE(missing.finish().is_ok());
  EXPECT_FALSE(rows.row(0).finish().is_ok());
}

TEST_F(DatabaseConnection, tells_that_a_value_is_null_where_none_may_be) {
  const auto rows = run("SELECT NULL::text AS name");
  db::Row row = rows.row(0);
  EXPECT_EQ(row.text(), "");
  EXPECT_NE(row.finish().error().detail.find("\"name\""), std::string::npos);
}

TEST_F(DatabaseConnection, binds_values_of_every_kind) {
  const std::string hostile = "'; DROP TABLE x; -- \\ $1 \u20ac";
  const auto rows = run("SELECT $1::text, $2::bytea, $3::int8, $4::text IS NULL AND true",
                        {db::Value::text(hostile), db::Value::bytes(std::string("\0\x01", 2)),
                         db::Value::integer(-5), db::Value::null()});
  db::Row row = rows.row(0);
  EXPECT_EQ(row.text(), hostile);
  EXPECT_EQ(row.bytes_or_null(), std::string("\0\x01", 2));
  EXPECT_EQ(row.integer(), -5);
}

TEST_F(DatabaseConnection, prepares_a_named_statement_once) {
  auto connection = connect();
  for (const std::int64_t number : {1, 2}) {
    const auto rows = connection.query(
        {"SELECT $1::int8 + 1", {db::Value::integer(number)}, "successor"}, within(10s));
    ASSERT_TRUE(rows.is_ok()) << rows.error().message;
    EXPECT_EQ(rows->row(0).integer(), number + 1);
  }
  const auto prepared = connection.query(
      "SELECT count(*) FROM pg_prepared_statements WHERE name = 'successor'", {}, within(10s));
  ASSERT_TRUE(prepared.is_ok());
  EXPECT_EQ(prepared->row(0).integer(), 1);
}

TEST_F(DatabaseConnection, a_named_statement_that_fails_may_be_asked_again) {
  auto connection = connect();
  const db::Statement unknown{"SELECT n FROM later", {}, "later"};
  EXPECT_FALSE(connection.query(unknown, within(10s)).is_ok());
  run("CREATE TABLE later AS SELECT 7::int8 AS n");
  const auto rows = connection.query(unknown, within(10s));
  ASSERT_TRUE(rows.is_ok()) << rows.error().message;
  EXPECT_EQ(rows->row(0).integer(), 7);
  const db::Statement divided{"SELECT 1 / $1::int8", {db::Value::integer(0)}, "divided"};
  EXPECT_FALSE(connection.query(divided, within(10s)).is_ok());
  EXPECT_TRUE(connection.is_usable());
}

TEST_F(DatabaseConnection, refuses_two_statements_in_one) {
  const auto rows = pool_->query("SELECT 1; SELECT 2", {}, within(10s));
  ASSERT_FALSE(rows.is_ok());
  EXPECT_NE(rows.error().detail.find("42601"), std::string::npos);
}

TEST_F(DatabaseConnection, is_known_to_the_server_by_its_name) {
  EXPECT_EQ(run("SELECT current_setting('application_name')").row(0).text(), "lakehouse-worker");
}

struct Refusal {
  const char* name;
  const char* sql;
  ErrorCode code;
  friend void PrintTo(const Refusal& tested, std::ostream* out) { *out << tested.name; }
};
class DatabaseRefusal : public DatabaseTest, public testing::WithParamInterface<Refusal> {};

TEST_P(DatabaseRefusal, becomes_an_error_without_row_values) {
  run("CREATE TABLE t (k text PRIMARY KEY)");
  run("INSERT INTO t VALUES ('canary')");
  run("GRANT INSERT ON t TO pg_monitor");
  run("CREATE SCHEMA hidden");
  run("CREATE TABLE hidden.t (k int)");
  auto connection = connect();
  ASSERT_TRUE(connection.query("SET ROLE pg_monitor", {}, within(10s)).is_ok());
  const auto rows = connection.query(GetParam().sql, {}, within(10s));
  EXPECT_FALSE(rows.is_ok());
  if (!rows) {
    EXPECT_EQ(rows.error().code, GetParam().code) << rows.error().message;
    EXPECT_EQ((rows.error().message + rows.error().detail).find("canary"), std::string::npos);
  }
  EXPECT_TRUE(connection.is_usable());
}
INSTANTIATE_TEST_SUITE_P(
    Statements, DatabaseRefusal,
    testing::Values(Refusal{"syntax", "SELEC", ErrorCode::kInternal},
                    Refusal{"value", "SELECT 'x'::uuid", ErrorCode::kInvalidArgument},
                    Refusal{"constraint", "INSERT INTO t VALUES ('canary')",
                            ErrorCode::kInvalidArgument},
                    Refusal{"privilege", "SELECT * FROM hidden.t", ErrorCode::kPermissionDenied}),
    [](const auto& tested) { return tested.param.name; });

TEST_F(DatabaseConnection, gives_up_a_statement_when_stopped) {
  auto connection = connect();
  std::stop_source stop;
  std::jthread stopper([&] {
    eventually([this] {
      return count("SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep%'") ==
             1;
    });
    stop.request_stop();
  });
  const auto began = Clock::now();
  const auto rows =
      connection.query("SELECT pg_sleep(60)", {}, Context{Deadline::never(), stop.get_token(), {}});
  EXPECT_EQ(rows.error().code, ErrorCode::kCancelled);
  EXPECT_LT(Clock::now() - began, 10s);
  EXPECT_FALSE(connection.is_usable());
}

TEST_F(DatabaseConnection, leaves_no_statement_running_when_it_is_dropped) {
  {
    auto connection = connect();
    EXPECT_EQ(connection.query("SELECT pg_sleep(60)", {}, within(50ms)).error().code,
              ErrorCode::kTimeout);
  }
  EXPECT_TRUE(eventually([this] {
    return count("SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep%'") == 0;
  }));
}

TEST_F(DatabaseConnection, tells_that_the_server_ended_it) {
  auto connection = connect();
  const auto rows =
      connection.query("SELECT pg_terminate_backend(pg_backend_pid())", {}, within(10s));
  EXPECT_EQ(rows.error().code, ErrorCode::kUnavailable);
  EXPECT_FALSE(connection.is_usable());
}

TEST_F(DatabaseConnection, refused_says_why_without_the_password) {
  db::Target target = target_;
  target.user = "lakehouse_no_such_role";
  target.password = Secret("canary");
  const auto connection = db::Connection::open(target, within(10s));
  ASSERT_FALSE(connection.is_ok());
  EXPECT_EQ(connection.error().code, ErrorCode::kUnavailable);
  EXPECT_FALSE(connection.error().detail.empty());
  EXPECT_EQ((connection.error().message + connection.error().detail).find("canary"),
            std::string::npos);
}

TEST_F(DatabaseConnection, to_nowhere_is_unavailable) {
  db::Target target = target_;
  target.host = "127.0.0.1";
  target.port = 1;
  EXPECT_EQ(db::Connection::open(target, within(10s)).error().code, ErrorCode::kUnavailable);
}

TEST_F(DatabaseConnection, keeps_what_a_transaction_commits_and_nothing_else) {
  run("CREATE TABLE t (k int)");
  auto connection = connect();
  {
    auto transaction = db::Transaction::begin(connection, within(10s));
    ASSERT_TRUE(connection.query("INSERT INTO t VALUES (1)", {}, within(10s)).is_ok());
    ASSERT_TRUE(transaction->commit(within(10s)).is_ok());
  }
  EXPECT_TRUE(connection.is_usable());
  {
    auto transaction = db::Transaction::begin(connection, within(10s));
    ASSERT_TRUE(connection.query("INSERT INTO t VALUES (2)", {}, within(10s)).is_ok());
  }
  EXPECT_FALSE(connection.is_usable());
  EXPECT_EQ(count("SELECT max(k) FROM t"), 1);
}

}  // namespace
}  // namespace lakehouse::worker::test
