// SPDX-License-Identifier: PostgreSQL
// `wake` is called under the lock, so that none is under way once abandon() has returned; `gone` is
// requested outside of it, because its callbacks are the writers'.
#include "worker/http/stream.hpp"

#include <utility>

namespace lakehouse::worker::http {

bool Stream::write(std::string_view bytes) {
  {
    const std::scoped_lock lock(mutex_);
    if (is_closed()) return false;
    if (waiting_.empty() || waiting_.size() + bytes.size() <= kMostWaiting) {
      waiting_ += bytes;
      wake();
      return true;
    }
  }
  fail();
  return false;
}

void Stream::end() {
  const std::scoped_lock lock(mutex_);
  if (is_closed()) return;
  is_ended_ = true;
  wake();
}

void Stream::attach(std::function<void()> wake_server) {
  const std::scoped_lock lock(mutex_);
  wake_ = std::move(wake_server);
  if (!waiting_.empty() || is_closed()) wake();
}

Stream::Portion Stream::take() {
  const std::scoped_lock lock(mutex_);
  is_woken_ = false;
  if (waiting_.size() <= kMostTaken) return {std::exchange(waiting_, {}), is_ended_, is_broken_};
  Portion portion{waiting_.substr(0, kMostTaken), false, is_broken_};
  waiting_.erase(0, kMostTaken);
  return portion;
}

void Stream::fail() {
  {
    const std::scoped_lock lock(mutex_);
    is_broken_ = true;
    waiting_ = {};
    wake();
  }
  gone_.request_stop();
}

void Stream::abandon() {
  std::function<void()> forgotten;
  {
    const std::scoped_lock lock(mutex_);
    is_broken_ = true;
    waiting_ = {};
    forgotten = std::exchange(wake_, nullptr);
  }
  gone_.request_stop();
}

void Stream::wake() {
  if (!wake_ || std::exchange(is_woken_, true)) return;
  wake_();
}

}  // namespace lakehouse::worker::http
