// SPDX-License-Identifier: PostgreSQL
// How long a call may take, and who may stop it. Passed down to everything that waits.
// Cancellation is std::stop_token: a waiter registers a std::stop_callback or polls
// stop_requested().
#pragma once

#include <algorithm>
#include <chrono>
#include <stop_token>
#include <string>

#include "core/base/error.hpp"

namespace lakehouse {

class Deadline {
 public:
  using Clock = std::chrono::steady_clock;

  static Deadline never() { return Deadline(Clock::time_point::max()); }
  // A span beyond the end of the clock means never.
  static Deadline in(Clock::duration span) {
    const auto now = Clock::now();
    return span > Clock::time_point::max() - now ? never() : Deadline(now + span);
  }

  bool is_never() const noexcept { return at_ == Clock::time_point::max(); }
  bool has_passed() const noexcept { return !is_never() && Clock::now() >= at_; }
  Clock::time_point at() const noexcept { return at_; }

  // Time left, never negative; `ceiling` bounds the answer, so that a poll loop can use it.
  std::chrono::milliseconds left(std::chrono::milliseconds ceiling) const noexcept {
    if (is_never()) return ceiling;
    const auto span = std::chrono::ceil<std::chrono::milliseconds>(at_ - Clock::now());
    return std::clamp(span, std::chrono::milliseconds(0), ceiling);
  }
  Deadline sooner(Deadline other) const noexcept { return Deadline(std::min(at_, other.at_)); }

 private:
  explicit Deadline(Clock::time_point at) : at_(at) {}
  Clock::time_point at_;
};

struct Context {
  Deadline deadline = Deadline::never();
  std::stop_token stop;
  // Follows one request through every log line; [A-Za-z0-9-], at most 64 characters.
  std::string request_id;
};

inline Error cancelled_error() {
  return {ErrorCode::kCancelled, "operation was cancelled", "", ""};
}

}  // namespace lakehouse
