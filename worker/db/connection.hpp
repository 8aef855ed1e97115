// SPDX-License-Identifier: PostgreSQL
// One libpq connection: extended protocol only, every wait bounded by deadline and stop.
// After a stop, a timeout or a lost server it is unusable and must be thrown away; the server
// notices within a second.
#pragma once

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

struct Notification {
  std::string channel, payload;
};

class Connection {
 public:
  // Errors: kUnavailable (no server, or it refuses us), kTimeout, kCancelled.
  static Result<Connection> open(const Target& target, const Context& context);

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

  // Waits until something was notified, on any channel this connection listens to, or the deadline
  // has passed: then there is nothing. Errors: kUnavailable, kCancelled.
  Result<std::vector<Notification>> wait_for_notification(const Context& context);

  // Looks, without waiting, whether the server has closed an idle connection.
  bool is_usable() const;
  // No more statement is made on it; closing it makes the server roll back.
  void abandon() noexcept { is_abandoned_ = true; }

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

// BEGIN on start, COMMIT by commit(); dying uncommitted abandons the connection, so that nothing is
// left half done.
class Transaction {
 public:
  static Result<Transaction> begin(Connection& connection, const Context& context);
  Transaction(Transaction&& other) noexcept
      : connection_(std::exchange(other.connection_, nullptr)) {}
  ~Transaction() {
    if (connection_ != nullptr) connection_->abandon();
  }
  Status commit(const Context& context);

 private:
  explicit Transaction(Connection& connection) : connection_(&connection) {}
  Connection* connection_;
};

}  // namespace lakehouse::worker::db
