// SPDX-License-Identifier: PostgreSQL
// What other threads ask of the client's thread.
#pragma once

#include <curl/curl.h>

#include <memory>
#include <mutex>
#include <vector>

#include "core/http/call.hpp"

namespace lakehouse::http {

class Mailbox {
 public:
  struct Content {
    std::vector<std::unique_ptr<Call>> calls;
    std::vector<CallId> stops;
    bool is_closed = false;
  };

  explicit Mailbox(CURLM* multi) : multi_(multi) {}

  // Gives the call back if the mailbox is closed.
  std::unique_ptr<Call> put(std::unique_ptr<Call> call) {
    const std::lock_guard lock(mutex_);
    if (content_.is_closed) return call;
    content_.calls.push_back(std::move(call));
    curl_multi_wakeup(multi_);
    return nullptr;
  }
  void put_stop(CallId id) {
    const std::lock_guard lock(mutex_);
    content_.stops.push_back(id);
    curl_multi_wakeup(multi_);
  }
  void close() {
    const std::lock_guard lock(mutex_);
    content_.is_closed = true;
    curl_multi_wakeup(multi_);
  }

  // Everything so far; whether it is closed stays.
  Content empty() {
    Content taken;
    const std::lock_guard lock(mutex_);
    taken.calls.swap(content_.calls);
    taken.stops.swap(content_.stops);
    taken.is_closed = content_.is_closed;
    return taken;
  }

 private:
  CURLM* multi_;
  std::mutex mutex_;
  Content content_;
};

}  // namespace lakehouse::http
