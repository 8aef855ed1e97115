// SPDX-License-Identifier: PostgreSQL
// ParsePool: the process's threads for turning results into batches. One pool serves all scans, in
// turn; tasks are short (about a batch) and never wait, so no scan can hold a thread against
// another.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace lakehouse::warehouse {

class ParsePool {
 public:
  // 0 threads: one a hardware thread. Its tasks must not throw. It outlives everything that posts
  // to it.
  explicit ParsePool(unsigned threads = 0);
  ~ParsePool();  // ends the threads; tasks that have not begun are dropped
  ParsePool(const ParsePool&) = delete;
  ParsePool& operator=(const ParsePool&) = delete;

  std::size_t thread_count() const noexcept { return threads_.size(); }
  void post(std::function<void()> task);

 private:
  void run();

  std::mutex mutex_;
  std::condition_variable has_work_;
  std::deque<std::function<void()>> tasks_;
  bool is_ending_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace lakehouse::warehouse
