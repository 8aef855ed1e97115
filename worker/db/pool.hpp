// SPDX-License-Identifier: PostgreSQL
// Pool: a few connections, opened when first needed, shared by all threads.
// A failed attempt to connect is not repeated before a pause that doubles up to a bound; waiters
// wait it out within their own deadline, then get the last error.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <vector>

#include "worker/db/connection.hpp"

namespace lakehouse::worker::db {

class Pool {
 public:
  struct Options {
    std::size_t max_connections = 4;
    std::chrono::milliseconds first_pause{100};
    std::chrono::milliseconds longest_pause{2'000};
  };

  // A connection on loan; goes back when it dies, or is closed if it has become unusable.
  class Lease {
   public:
    Lease(Pool& pool, Connection connection) : pool_(&pool), connection_(std::move(connection)) {}
    Lease(Lease&& other) noexcept
        : pool_(std::exchange(other.pool_, nullptr)), connection_(std::move(other.connection_)) {}
    ~Lease() {
      if (pool_ != nullptr) pool_->take_back(std::move(connection_));
    }
    Connection* operator->() noexcept { return &connection_; }
    Connection& operator*() noexcept { return connection_; }

   private:
    Pool* pool_;
    Connection connection_;
  };

  Pool(Target target, Options options);
  explicit Pool(Target target) : Pool(std::move(target), Options{}) {}

  // Errors: kUnavailable, kTimeout, kCancelled.
  Result<Lease> acquire(const Context& context);
  // One statement on any connection.
  Result<Rows> query(const char* sql, const std::vector<Value>& values, const Context& context);
  // The same; each connection prepares it once, by its name.
  Result<Rows> query(const Statement& statement, const Context& context);
  // Whether the database answers.
  Status check(const Context& context);

 private:
  friend class Lease;
  enum class Turn { kGranted, kStopped, kTimedOut, kPaused };
  Result<Connection> open(const Context& context);
  Turn wait_for_turn(std::optional<Connection>& idle, const Context& context);
  Error refusal(Turn turn);
  void take_back(Connection connection) noexcept;
  void note_failure(const Error& error);

  const Target target_;
  const Options options_;
  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::vector<Connection> idle_;
  std::size_t lent_ = 0;
  std::chrono::milliseconds pause_{0};
  Deadline::Clock::time_point next_attempt_{};
  std::optional<Error> last_error_;
};

}  // namespace lakehouse::worker::db
