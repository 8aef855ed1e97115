// SPDX-License-Identifier: PostgreSQL
// Credit: how many more batches a backend is willing to take. Added by the reader, taken by the
// runner.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <stop_token>

#include "core/base/context.hpp"
#include "core/base/result.hpp"

namespace lakehouse::worker::gateway {

class Credit {
 public:
  void add(std::uint32_t batches) {
    {
      const std::scoped_lock lock(mutex_);
      batches_ += batches;
    }
    added_.notify_one();
  }

  // Waits for one and takes it. There is no deadline: a cursor may rest as long as its session
  // lives.
  Status take(std::stop_token stop) {
    std::unique_lock lock(mutex_);
    if (!added_.wait(lock, std::move(stop), [this] { return batches_ > 0; })) {
      return cancelled_error();
    }
    --batches_;
    return kDone;
  }

 private:
  std::mutex mutex_;
  std::condition_variable_any added_;
  std::uint64_t batches_ = 0;
};

}  // namespace lakehouse::worker::gateway
