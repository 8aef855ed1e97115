// SPDX-License-Identifier: PostgreSQL
// sendfile, pread, and the hints of posix_fadvise, which start reading from disk without waiting.
#include "worker/http/file_transfer.hpp"

#include <fcntl.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace lakehouse::worker::http {
namespace {

std::size_t least(std::uint64_t left, std::size_t bound) {
  return static_cast<std::size_t>(std::min<std::uint64_t>(left, bound));
}

}  // namespace

FileTransfer::FileTransfer(std::string head, FileBody body)
    : head_(std::move(head)), body_(std::move(body)) {
  expect(body_.offset, kPortionBytes);
}

// What comes after the portion is asked for before this one is sent.
void FileTransfer::begin_portion() {
  portion_ = least(body_.length, kPortionBytes);
  expect(body_.offset + portion_, kPortionBytes);
}

FileTransfer::Progress FileTransfer::send(int socket) {
  while (!head_.empty() || portion_ > 0) {
    const ssize_t count = send_some(socket);
    if (count == 0 || (count < 0 && errno != EINTR && errno != EAGAIN)) return Progress::kBroken;
    if (count < 0 && errno == EAGAIN) return Progress::kWait;
  }
  return Progress::kSent;
}

ssize_t FileTransfer::send_some(int socket) {
  if (!head_.empty()) {
    const int more = portion_ > 0 ? MSG_MORE : 0;
    const ssize_t count = ::send(socket, head_.data(), head_.size(), MSG_NOSIGNAL | more);
    if (count > 0) head_.erase(0, static_cast<std::size_t>(count));
    return count;
  }
  auto offset = static_cast<off_t>(body_.offset);
  const ssize_t count = ::sendfile(socket, body_.file->get(), &offset, portion_);
  if (count > 0) {
    advance(static_cast<std::size_t>(count));
    portion_ -= static_cast<std::size_t>(count);
  }
  return count;
}

bool FileTransfer::read(std::string& piece) {
  piece = std::exchange(head_, {});
  std::size_t got = piece.size();
  piece.resize(got + least(body_.length, kPieceBytes));
  while (got < piece.size()) {
    const ssize_t count = ::pread(body_.file->get(), piece.data() + got, piece.size() - got,
                                  static_cast<off_t>(body_.offset));
    if (count > 0) {
      got += static_cast<std::size_t>(count);
      advance(static_cast<std::size_t>(count));
    } else if (count == 0 || errno != EINTR) {
      return false;
    }
  }
  expect(body_.offset + kPortionBytes - kPieceBytes, kPieceBytes);
  return true;
}

// What comes next. A file system that has no use for the hint ignores it.
void FileTransfer::expect(std::uint64_t offset, std::size_t bytes) const {
  const std::uint64_t end = body_.offset + body_.length;
  if (offset >= end) return;
  static_cast<void>(::posix_fadvise(body_.file->get(), static_cast<off_t>(offset),
                                    static_cast<off_t>(least(end - offset, bytes)),
                                    POSIX_FADV_WILLNEED));
}

void FileTransfer::advance(std::size_t bytes) {
  body_.offset += bytes;
  body_.length -= bytes;
}

}  // namespace lakehouse::worker::http
