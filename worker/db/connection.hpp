// SPDX-License-Identifier: PostgreSQL
// One libpq connection: extended protocol only, every wait bounded by deadline and stop.
// After a stop, a timeout or a lost server it is unusable and must be thrown away; the server
// notices within a second.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "core/base/context.hpp"
#include "core/base/result.hpp"
#include "worker/db/batch.hpp"
#include "worker/db/rows.hpp"
#include "worker/db/target.hpp"
#include "worker/db/value.hpp"

struct pg_conn;

namespace lakehouse::worker::db {

// What a connection is for. kShort: statements of at most 30 s, transactions never idle so long.
// kLong: no such limits, but a lock is waited for at most 30 s; rows come in the order of the table
// and are written the same whatever the server's settings.
enum class Work : std::uint8_t { kShort, kLong };

struct Notification {
  std::string channel, payload;
};

class Connection {
 public:
  // Errors: kUnavailable (no server, or it refuses us), kTimeout, kCancelled.
  static Result<Connection> open(const Target& target, const Context& context,
                                 Work work = Work::kShort);

  // Errors: kUnavailable (server lost or going down), kTimeout, kCancelled, kInvalidArgument (a
  // value the server can't read), kPermissionDenied, kInternal (anything else, with the SQLSTATE in
  // the detail).
  Result<Rows> query(const char* sql, const std::vector<Value>& values, const Context& context);

  // The same for a statement with a name, which this connection prepares once and keeps.
  Result<Rows> query(const Statement& statement, const Context& context);

  // The statements as one transaction: each runs only if those before it succeeded, and after a
  // failure nothing was done. A stop, or the deadline, cancels what runs. Errors: as above, but
  // what the server says of a statement is an answer.
  Result<Answer> run(const Batch& batch, const Context& context);

  // The same, a row at a time: `take` gets Rows of one row, in binary, as it comes. Its error ends
  // the statement and is returned; the connection is abandoned then.
  Status stream(const char* sql, const std::vector<Value>& values,
                const std::function<Status(const Rows&)>& take, const Context& context);

  // Runs a COPY … TO STDOUT and hands each message of its data to `take`, otherwise as stream().
  Status copy_out(const char* sql, const std::function<Status(std::string_view)>& take,
                  const Context& context);

  // Waits until something was notified, on any channel this connection listens to, or the deadline
  // has passed: then there is nothing. Errors: kUnavailable, kCancelled.
  Result<std::vector<Notification>> wait_for_notification(const Context& context);

  // Looks, without waiting, whether the server has closed an idle connection.
  bool is_usable() const;
  // No more statement is made on it; closing it makes the server roll back.
  void abandon() noexcept { is_abandoned_ = true; }
  bool is_abandoned() const noexcept { return is_abandoned_; }

 private:
  struct Finish {
    void operator()(pg_conn* connection) const;
  };
  explicit Connection(pg_conn* connection);
  Status connect(const Context& context);
  Result<Rows> answer_to(int is_sent, const Context& context);
  Status flush(const Context& context);
  Result<Rows> collect(const Context& context);
  Status wait(short events, const Context& context);
  Status send(const char* sql, const std::vector<Value>& values, const Context& context);
  Status wait_for_input(const Context& context);
  Status take_copied(const std::function<Status(std::string_view)>& take, const Context& context);
  Status finish(pg_result* last, const Context& context);
  Error give_up(Error error);
  Status send(const Batch& batch, std::vector<std::string>& kinds);
  Result<Answer> collect_all(const std::vector<std::string>& kinds, const Context& context);
  void cancel() noexcept;

  // Called by libpq while a batch runs; where it stands must not move with this object.
  using Notices = std::function<void(const Report&)>;
  std::unique_ptr<Notices> notices_;
  std::set<std::string> prepared_;
  std::unique_ptr<pg_conn, Finish> connection_;
  bool is_abandoned_ = false;
};

enum class Isolation : std::uint8_t { kReadCommitted, kRepeatableRead };

// BEGIN on start, COMMIT by commit(); dying uncommitted abandons the connection, so that nothing is
// left half done.
class Transaction {
 public:
  static Result<Transaction> begin(Connection& connection, const Context& context,
                                   Isolation isolation = Isolation::kReadCommitted);
  Transaction(Transaction&& other) noexcept
      : connection_(std::exchange(other.connection_, nullptr)) {}
  ~Transaction() {
    if (connection_ != nullptr) connection_->abandon();
  }
  Status commit(const Context& context);
  Status roll_back(const Context& context);

 private:
  Status end(const char* statement, const Context& context);
  explicit Transaction(Connection& connection) : connection_(&connection) {}
  Connection* connection_;
};

// A part of a transaction that can be undone by itself: ended by release() or roll_back(). Dying
// otherwise it abandons the connection. One lives at a time.
class Savepoint {
 public:
  static Result<Savepoint> begin(Connection& connection, const Context& context);
  Savepoint(Savepoint&& other) noexcept : connection_(std::exchange(other.connection_, nullptr)) {}
  ~Savepoint() {
    if (connection_ != nullptr) connection_->abandon();
  }
  Status release(const Context& context);
  // Also after a statement has failed.
  Status roll_back(const Context& context);

 private:
  explicit Savepoint(Connection& connection) : connection_(&connection) {}
  Connection* connection_;
};

}  // namespace lakehouse::worker::db
