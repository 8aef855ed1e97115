// SPDX-License-Identifier: PostgreSQL
// Stream: the body of an answer that is sent as it comes, in chunks (RFC 9112, section 7.1).
// Any thread may write; the server's I/O thread sends. What waits to be sent is bounded.
// While a text/event-stream says nothing, the server sends a comment now and then, so that a client
// that has vanished is noticed; write whole events, because it may stand between two of them.
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
  // So much a client must read within the time of a write.
  static constexpr std::size_t kMostTaken = 256U << 10U;

  // False when nothing more will be sent: the client has gone, reads too slowly, or end() was
  // called. One piece may be larger than what may wait, if nothing else does.
  bool write(std::string_view bytes);
  // After what has been written.
  void end();
  // Requested when nothing more will be sent. Callbacks run on the I/O thread: they must not wait.
  std::stop_token gone() const { return gone_.get_token(); }

  // For the server.
  struct Portion {
    std::string bytes;
    bool is_last = false;
    bool is_broken = false;  // the rest is missing: the client must not take it for a whole body
  };
  // `wake` is called when there is something to take, on the writer's thread; it must not call
  // back.
  void attach(std::function<void()> wake);
  // At most kMostTaken bytes. To be called until there are none.
  Portion take();
  // The writer could not finish.
  void fail();
  // Nobody takes any more; `wake` will not be called after this returns.
  void abandon();

 private:
  void wake();
  bool is_closed() const { return is_ended_ || is_broken_; }

  std::mutex mutex_;
  std::string waiting_;
  bool is_ended_ = false;
  bool is_broken_ = false;
  bool is_woken_ = false;  // and has not taken since
  std::function<void()> wake_;
  std::stop_source gone_;
};

}  // namespace lakehouse::worker::http
