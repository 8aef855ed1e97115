// SPDX-License-Identifier: PostgreSQL
// Lends connections, opens and drops them, and keeps the pause between failed attempts.
#include "worker/db/pool.hpp"

#include <algorithm>

namespace lakehouse::worker::db {

Pool::Pool(Target target, Options options) : target_(std::move(target)), options_(options) {
  idle_.reserve(options_.max_connections);  // so that taking a connection back can't fail
}

Result<Pool::Lease> Pool::acquire(const Context& context) {
  std::optional<Connection> idle;
  const Turn turn = wait_for_turn(idle, context);
  if (turn != Turn::kGranted) return refusal(turn);
  // From here on one of the lent places is ours; a Lease gives it back, a failed attempt must do so
  // itself.
  if (idle && idle->is_usable()) return Lease(*this, *std::move(idle));
  idle.reset();
  auto opened = open(context);
  if (!opened) return opened.error();
  return Lease(*this, *std::move(opened));
}

Result<Rows> Pool::query(const char* sql, const std::vector<Value>& values,
                         const Context& context) {
  auto lease = acquire(context);
  if (!lease) return lease.error();
  return (*lease)->query(sql, values, context);
}

Result<Rows> Pool::query(const Statement& statement, const Context& context) {
  auto lease = acquire(context);
  if (!lease) return lease.error();
  return (*lease)->query(statement, context);
}

Status Pool::check(const Context& context) {
  auto answer = query("SELECT 1", {}, context);
  if (!answer) return answer.error();
  return kDone;
}

// Takes a place, with an idle connection if there is one. A pause ends by itself: it is waited for
// like a place.
Pool::Turn Pool::wait_for_turn(std::optional<Connection>& idle, const Context& context) {
  std::unique_lock lock(mutex_);
  const auto is_free = [this] { return lent_ < options_.max_connections; };
  const auto has_turn = [&] {
    return is_free() && (!idle_.empty() || Deadline::Clock::now() >= next_attempt_);
  };
  while (!has_turn()) {
    if (context.stop.stop_requested()) return Turn::kStopped;
    if (context.deadline.has_passed()) return is_free() ? Turn::kPaused : Turn::kTimedOut;
    auto until = Deadline::Clock::now() + std::chrono::hours(1);
    if (is_free()) until = next_attempt_;
    until = std::min(until, context.deadline.at());
    changed_.wait_until(lock, context.stop, until, has_turn);
  }
  ++lent_;
  if (!idle_.empty()) {
    idle = std::move(idle_.back());
    idle_.pop_back();
  }
  return Turn::kGranted;
}

Result<Connection> Pool::open(const Context& context) {
  auto opened = Connection::open(target_, context);
  if (!opened) {
    note_failure(opened.error());
    return opened;
  }
  const std::scoped_lock lock(mutex_);
  pause_ = std::chrono::milliseconds(0);
  last_error_.reset();
  return opened;
}

Error Pool::refusal(Turn turn) {
  if (turn == Turn::kStopped) return cancelled_error();
  const std::scoped_lock lock(mutex_);
  if (turn == Turn::kPaused && last_error_) return *last_error_;
  return {ErrorCode::kTimeout, "timeout while waiting for a database connection",
          "All connections of the worker are in use.", ""};
}

void Pool::take_back(Connection connection) noexcept {
  const bool is_usable = connection.is_usable();
  {
    const std::scoped_lock lock(mutex_);
    --lent_;
    if (is_usable) idle_.push_back(std::move(connection));
  }
  changed_.notify_one();
}

void Pool::note_failure(const Error& error) {
  {
    const std::scoped_lock lock(mutex_);
    --lent_;
    if (error.code == ErrorCode::kUnavailable) {
      pause_ = std::clamp(pause_ * 2, options_.first_pause, options_.longest_pause);
      next_attempt_ = Deadline::Clock::now() + pause_;
      last_error_ = error;
    }
  }
  changed_.notify_all();
}

}  // namespace lakehouse::worker::db
