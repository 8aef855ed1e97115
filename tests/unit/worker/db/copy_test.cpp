// SPDX-License-Identifier: PostgreSQL
// Rows that stream, and parts of a transaction, against a real server.
#include <thread>

#include "worker/db/connection.hpp"
#include "worker/db/database_fixture.hpp"

namespace lakehouse::worker::test {
namespace {

class DatabaseStream : public DatabaseTest {
 protected:
  static constexpr const char* kEndless =
      "COPY (SELECT repeat('x', 1000) FROM generate_series(1, 10000) a, generate_series(1, 10000) "
      "b) "
      "TO STDOUT (FORMAT BINARY)";
  static Status ignore(std::string_view) { return kDone; }
};

TEST_F(DatabaseStream, copies_rows_in_binary) {
  auto connection = connect();
  std::string bytes;
  const Status copied = connection.copy_out(
      "COPY (SELECT 7::int4, NULL::text, 'ab'::text) TO STDOUT (FORMAT BINARY)",
      [&bytes](std::string_view message) -> Status {
        bytes += message;
        return kDone;
      },
      within(10s));
  ASSERT_TRUE(copied.is_ok()) << copied.error().message;
  EXPECT_TRUE(bytes.starts_with(std::string("PGCOPY\n\377\r\n\0", 11)));
  EXPECT_EQ(bytes.substr(19),
            std::string("\0\3\0\0\0\4\0\0\0\7\377\377\377\377\0\0\0\2ab\377\377", 22));
  EXPECT_TRUE(connection.query("SELECT 1", {}, within(10s)).is_ok());
}

TEST_F(DatabaseStream, says_why_a_copy_fails_and_stays_usable) {
  auto connection = connect();
  const Status begun = connection.copy_out("COPY (SELECT nothing) TO STDOUT", ignore, within(10s));
  ASSERT_FALSE(begun.is_ok());
  EXPECT_EQ(begun.error().message, "column \"nothing\" does not exist");
  const Status halfway =
      connection.copy_out("COPY (SELECT 10 / (1000 - i) FROM generate_series(1, 2000) i) TO STDOUT",
                          ignore, within(10s));
  ASSERT_FALSE(halfway.is_ok());
  EXPECT_EQ(halfway.error().message, "division by zero");
  EXPECT_TRUE(connection.query("SELECT 1", {}, within(10s)).is_ok());
}

TEST_F(DatabaseStream, ends_a_copy_that_is_stopped_late_or_not_wanted) {
  {
    auto stopped = connect();
    std::stop_source stop;
    std::jthread stopper([&stop] { stop.request_stop(); });
    const Status copied =
        stopped.copy_out(kEndless, ignore, Context{Deadline::never(), stop.get_token(), {}});
    ASSERT_FALSE(copied.is_ok());
    EXPECT_EQ(copied.error().code, ErrorCode::kCancelled);
  }
  {
    auto refused = connect();
    const Error why{ErrorCode::kValueOutOfRange, "no more", "", ""};
    const Status unwanted = refused.copy_out(
        kEndless, [&why](std::string_view) -> Status { return why; }, within(10s));
    ASSERT_FALSE(unwanted.is_ok());
    EXPECT_EQ(unwanted.error().message, "no more");
    EXPECT_TRUE(refused.is_abandoned());
  }
  EXPECT_TRUE(eventually([this] {
    return count(
               "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'COPY%' "
               "AND state = 'active' AND datname = current_database()") == 0;
  }));
}

TEST_F(DatabaseStream, gives_a_row_at_a_time) {
  auto connection = connect();
  std::int64_t rows = 0, sum = 0;
  const Status streamed = connection.stream(
      "SELECT i::int8 FROM generate_series(1, $1::int4) i", {db::Value::integer(5'000)},
      [&](const db::Rows& row) -> Status {
        rows += row.count();
        sum += row.row(0).integer();
        return kDone;
      },
      within(10s));
  ASSERT_TRUE(streamed.is_ok()) << streamed.error().message;
  EXPECT_EQ(rows, 5'000);
  EXPECT_EQ(sum, 12'502'500);
  EXPECT_TRUE(connection.query("SELECT 1", {}, within(10s)).is_ok());
}

TEST_F(DatabaseStream, undoes_a_part_of_a_transaction) {
  run("CREATE TABLE noted (number int8)");
  auto connection = connect();
  auto transaction =
      db::Transaction::begin(connection, within(10s), db::Isolation::kRepeatableRead);
  ASSERT_TRUE(transaction.is_ok());
  const auto note = [&](const char* number) {
    return connection
        .query("INSERT INTO noted SELECT 1 / $1::int8 + $1::int8", {db::Value::text(number)},
               within(10s))
        .is_ok();
  };
  for (const char* number : {"5", "0", "7"}) {
    auto savepoint = db::Savepoint::begin(connection, within(10s));
    ASSERT_TRUE(savepoint.is_ok());
    const bool is_noted = note(number);
    EXPECT_EQ(is_noted, *number != '0');
    const Status ended =
        is_noted ? savepoint->release(within(10s)) : savepoint->roll_back(within(10s));
    ASSERT_TRUE(ended.is_ok()) << ended.error().message;
  }
  ASSERT_TRUE(transaction->commit(within(10s)).is_ok());
  EXPECT_EQ(count("SELECT sum(number)::int8 FROM noted"), 12);
}

TEST_F(DatabaseStream, works_long_without_limits_but_for_locks) {
  auto connection = db::Connection::open(target_, within(10s), db::Work::kLong);
  ASSERT_TRUE(connection.is_ok());
  const auto rows = connection->query(
      "SELECT current_setting('statement_timeout'), current_setting('lock_timeout'), "
      "current_setting('idle_in_transaction_session_timeout')",
      {}, within(10s));
  ASSERT_TRUE(rows.is_ok());
  db::Row row = rows->row(0);
  EXPECT_EQ(row.text(), "0");
  EXPECT_EQ(row.text(), "30s");
  EXPECT_EQ(row.text(), "0");
}

}  // namespace
}  // namespace lakehouse::worker::test
