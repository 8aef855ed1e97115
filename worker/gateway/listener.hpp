// SPDX-License-Identifier: PostgreSQL
// Listener: the worker's unix socket, and the lock that makes it the only one in its directory.
// The lock is held for life, so a newer worker waits until the older one is really gone, and no
// worker ever removes the socket of a living one.
#pragma once

#include <optional>
#include <string>

#include "core/base/context.hpp"
#include "core/base/result.hpp"
#include "worker/io/descriptor.hpp"

namespace lakehouse::worker::gateway {

// `<socket_directory>/worker.sock`. Errors: kInvalidArgument if that is longer than a socket's
// address can be.
Result<std::string> socket_path(const std::string& socket_directory);

class Listener {
 public:
  // Makes the directory (0700) if it is missing. Waits for another worker's lock as long as the
  // context allows. Errors: kInvalidArgument (directory of another user, or open to others; path
  // too long), kUnavailable (another worker stays).
  static Result<Listener> open(const std::string& socket_directory, const Context& context);
  Listener(Listener&&) noexcept = default;
  Listener& operator=(Listener&&) = delete;
  ~Listener() { close_socket(); }

  int fd() const noexcept { return socket_.get(); }

  // The next connection, or nothing if it vanished meanwhile or is not from this process's own
  // user. Errors: kUnavailable when the system has no descriptor or memory for it.
  Result<std::optional<io::Descriptor>> accept();

  // No more connections; the lock stays.
  void close_socket() noexcept;

 private:
  Listener(io::Descriptor lock, io::Descriptor socket, std::string path)
      : lock_(std::move(lock)), socket_(std::move(socket)), path_(std::move(path)) {}

  io::Descriptor lock_;
  io::Descriptor socket_;
  std::string path_;
};

}  // namespace lakehouse::worker::gateway
