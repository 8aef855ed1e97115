// SPDX-License-Identifier: PostgreSQL
// sendfile, pread, and the hints of posix_fadvise, which start reading from disk without waiting.
#include "worker/http/file_transfer.hpp"

#include <fcntl.h>
#include <sys/sendfile.h>
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

FileTransfer::FileTransfer(FileBody body) : body_(std::move(body)) { expect(kPortionBytes); }

void FileTransfer::begin_portion() {
  portion_ = least(body_.length, kPortionBytes);
  expect(2 * kPortionBytes);
}

FileTransfer::Progress FileTransfer::send(int socket) {
  while (portion_ > 0) {
    auto offset = static_cast<off_t>(body_.offset);
    const ssize_t count = ::sendfile(socket, body_.file->get(), &offset, portion_);
    if (count > 0) {
      advance(static_cast<std::size_t>(count));
      portion_ -= static_cast<std::size_t>(count);
    } else if (count == 0) {
      return Progress::kBroken;
    } else if (errno != EINTR) {
      return errno == EAGAIN ? Progress::kWait : Progress::kBroken;
    }
  }
  return Progress::kSent;
}

bool FileTransfer::read(std::string& piece) {
  piece.resize(least(body_.length, kPieceBytes));
  std::size_t got = 0;
  while (got < piece.size()) {
    const ssize_t count = ::pread(body_.file->get(), piece.data() + got, piece.size() - got,
                                  static_cast<off_t>(body_.offset + got));
    if (count > 0) {
      got += static_cast<std::size_t>(count);
    } else if (count == 0 || errno != EINTR) {
      return false;
    }
  }
  advance(got);
  expect(kPortionBytes);
  return true;
}

// What comes next. A file system that has no use for the hint ignores it.
void FileTransfer::expect(std::size_t bytes) const {
  static_cast<void>(::posix_fadvise(body_.file->get(), static_cast<off_t>(body_.offset),
                                    static_cast<off_t>(least(body_.length, bytes)),
                                    POSIX_FADV_WILLNEED));
}

void FileTransfer::advance(std::size_t bytes) {
  body_.offset += bytes;
  body_.length -= bytes;
}

}  // namespace lakehouse::worker::http
