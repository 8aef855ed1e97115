// SPDX-License-Identifier: PostgreSQL
// FileTransfer: how far the file of an answer has been sent. Sends from the page cache into a
// socket (sendfile), or reads pieces for TLS; the descriptor closes with it. Knows no network
// library. What the page cache does not have is waited for, on the I/O thread: hence small
// portions, and the kernel is told in advance which one comes next.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "worker/http/message.hpp"

namespace lakehouse::worker::http {

class FileTransfer {
 public:
  // What one turn sends at most, so that a download doesn't hold up what others do; and what a
  // client must take within the time of a write.
  static constexpr std::size_t kPortionBytes = 256U << 10U;
  // What is in memory of a download under TLS.
  static constexpr std::size_t kPieceBytes = 64U << 10U;

  explicit FileTransfer(FileBody body);

  bool is_done() const noexcept { return body_.length == 0; }

  void begin_portion();
  enum class Progress : std::uint8_t {
    kSent,    // the portion
    kWait,    // until the socket takes more of it
    kBroken,  // the client has gone; or the file is shorter than it was, or unreadable
  };
  // To a socket that does not block. SIGPIPE must be ignored or blocked.
  Progress send(int socket);

  // The next piece, in place of what `piece` holds. False if the file is shorter than it was, or
  // unreadable.
  bool read(std::string& piece);

 private:
  void expect(std::size_t bytes) const;
  void advance(std::size_t bytes);

  FileBody body_;  // what is left of it
  std::size_t portion_ = 0;
};

}  // namespace lakehouse::worker::http
