// SPDX-License-Identifier: PostgreSQL
// A queue, first in first out, and the threads that empty it.
#include "core/warehouse/parse_pool.hpp"

#include <algorithm>

namespace lakehouse::warehouse {

ParsePool::ParsePool(unsigned threads) {
  if (threads == 0) threads = std::max(1U, std::thread::hardware_concurrency());
  threads_.reserve(threads);
  for (unsigned i = 0; i < threads; ++i) threads_.emplace_back([this] { run(); });
}

ParsePool::~ParsePool() {
  std::deque<std::function<void()>> dropped;
  {
    const std::lock_guard lock(mutex_);
    is_ending_ = true;
    dropped.swap(tasks_);
  }
  has_work_.notify_all();
  dropped.clear();  // without the lock: a task may own much
  for (std::thread& thread : threads_) thread.join();
}

void ParsePool::post(std::function<void()> task) {
  {
    const std::lock_guard lock(mutex_);
    if (is_ending_) return;
    tasks_.push_back(std::move(task));
  }
  has_work_.notify_one();
}

void ParsePool::run() {
  for (;;) {
    std::unique_lock lock(mutex_);
    has_work_.wait(lock, [this] { return is_ending_ || !tasks_.empty(); });
    if (is_ending_) return;
    const std::function<void()> task = std::move(tasks_.front());
    tasks_.pop_front();
    lock.unlock();
    task();
  }
}

}  // namespace lakehouse::warehouse
