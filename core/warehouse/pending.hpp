// SPDX-License-Identifier: PostgreSQL
// Pending: the answer of a call under way, for a thread that waits. Held by shared_ptr on both
// sides, so that a waiter who gives up leaves nothing behind that the late answer could touch.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <utility>

#include "core/base/context.hpp"
#include "core/base/result.hpp"

namespace lakehouse::warehouse {

// Waits until `is_true` holds under `lock`, the context is stopped (kCancelled) or its deadline
// passes (kTimeout).
template <typename Condition>
Status wait_until(std::condition_variable_any& changed, std::unique_lock<std::mutex>& lock,
                  const Context& context, Condition is_true) {
  constexpr std::chrono::hours kLongest{
      1};  // the clock's maximum overflows in some wait implementations
  for (;;) {
    const auto until = std::min(context.deadline.at(), Deadline::in(kLongest).at());
    if (changed.wait_until(lock, context.stop, until, is_true)) return kDone;
    if (context.stop.stop_requested()) return cancelled_error();
    if (context.deadline.has_passed()) {
      return Error{ErrorCode::kTimeout, "time limit for the remote query was exceeded", "", ""};
    }
  }
}

template <typename T>
class Pending {
 public:
  void complete(Result<T> answer) {
    {
      const std::lock_guard lock(mutex_);
      answer_.emplace(std::move(answer));
    }
    changed_.notify_all();
  }

  // The answer, or kCancelled, or kTimeout.
  Result<T> wait(const Context& context) {
    std::unique_lock lock(mutex_);
    Status status = wait_until(changed_, lock, context, [this] { return answer_.has_value(); });
    if (!status) return std::move(status).error();
    return std::move(*answer_);
  }

 private:
  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::optional<Result<T>> answer_;
};

}  // namespace lakehouse::warehouse
