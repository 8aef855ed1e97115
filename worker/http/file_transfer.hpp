// SPDX-License-Identifier: PostgreSQL
// FileTransfer: how far an answer with a file has been sent: its head, then the file. Sends from
// the page cache into a socket (sendfile), or reads pieces for TLS; the descriptor closes with it.
// The head goes with the first bytes: by itself it would wake the client for nothing. Knows no
// network library. What the page cache does not have is waited for, on the I/O thread: hence small
// portions, and the kernel is told in advance which one comes next.
#pragma once

#include <sys/types.h>

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

  FileTransfer(std::string head, FileBody body);

  bool is_done() const noexcept { return head_.empty() && body_.length == 0; }

  void begin_portion();
  enum class Progress : std::uint8_t {
    kSent,    // the portion
    kWait,    // until the socket takes more of it
    kBroken,  // the client has gone; or the file is shorter than it was, or unreadable
  };
  // To a socket that does not block. SIGPIPE must be ignored or blocked.
  Progress send(int socket);

  // The next piece, in place of what `piece` holds; the first begins with the head. False if the
  // file is shorter than it was, or unreadable.
  bool read(std::string& piece);

 private:
  ssize_t send_some(int socket);
  void expect(std::uint64_t offset, std::size_t bytes) const;
  void advance(std::size_t bytes);

  std::string head_;  // what is left of it
  FileBody body_;     // likewise
  std::size_t portion_ = 0;
};

}  // namespace lakehouse::worker::http
