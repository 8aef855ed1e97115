// SPDX-License-Identifier: PostgreSQL
// Stream: the body of an answer that is sent as it comes, in chunks (RFC 9112, section 7.1).
// Any thread may write; the server's I/O thread sends. What waits to be sent is bounded.
#pragma once

#include <cstddef>
#include <functional>
#include <mutex>
#include <stop_token>
#include <string>
#include <string_view>

namespace lakehouse::worker::http {

class Stream {
 public:
  static constexpr std::size_t kMostWaiting = 4U << 20U;

  // False when nothing more will be sent: the client has gone, reads too slowly, or end() was
  // called.
  bool write(std::string_view bytes);
  // After what has been written.
  void end();
  // Requested when the client has gone.
  std::stop_token gone() const { return gone_.get_token(); }

  // For the server. `wake` is called after each write and end, on the writer's thread.
  struct Portion {
    std::string bytes;
    bool is_last = false;
  };
  void attach(std::function<void()> wake);
  Portion take();
  void abandon();

 private:
  std::mutex mutex_;
  std::string waiting_;
  bool is_ended_ = false;
  std::function<void()> wake_;
  std::stop_source gone_;
};

}  // namespace lakehouse::worker::http
