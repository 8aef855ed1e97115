// SPDX-License-Identifier: PostgreSQL
// Directory, lock, socket: in this order.
#include "worker/gateway/listener.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>

#include "worker/io/readiness.hpp"

namespace lakehouse::worker::gateway {
namespace {

constexpr std::chrono::milliseconds kLockPoll{50};  // flock has no wait with a deadline
constexpr int kBacklog = 512;

Error system_error(const std::string& what, const std::string& path, int number) {
  return {ErrorCode::kInvalidArgument,
          "could not " + what + " \"" + path + "\": " + std::strerror(number), "",
          "Check lakehouse.socket_directory."};
}

Status prepare_directory(const std::string& path) {
  if (::mkdir(path.c_str(), S_IRWXU) != 0 && errno != EEXIST) {
    return system_error("create directory", path, errno);
  }
  struct stat facts {};
  if (::stat(path.c_str(), &facts) != 0) return system_error("read directory", path, errno);
  if (!S_ISDIR(facts.st_mode)) return system_error("use as directory", path, ENOTDIR);
  const bool is_private = (facts.st_mode & (S_IRWXG | S_IRWXO)) == 0;
  if (facts.st_uid == ::geteuid() && is_private) return kDone;
  return Error{ErrorCode::kInvalidArgument, "socket directory \"" + path + "\" is not private",
               "It must belong to the user that runs the worker and have mode 0700.",
               "Change its owner and mode, or set lakehouse.socket_directory."};
}

Result<io::Descriptor> take_lock(const std::string& path, const Context& context) {
  io::Descriptor lock(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, S_IRUSR | S_IWUSR));
  if (!lock.is_open()) return system_error("open lock file", path, errno);
  while (::flock(lock.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK && errno != EINTR) return system_error("lock", path, errno);
    if (context.stop.stop_requested()) return cancelled_error();
    if (context.deadline.has_passed()) {
      return Error{ErrorCode::kUnavailable,
                   "another lakehouse worker uses the same socket directory",
                   "It holds the lock on \"" + path + "\".",
                   "Stop it, or set another lakehouse.socket_directory."};
    }
    const Deadline pause = context.deadline.sooner(Deadline::in(kLockPoll));
    io::wait_until_ready(-1, 0, Context{pause, context.stop, {}});
  }
  return lock;
}

Result<io::Descriptor> bind_socket(const std::string& path) {
  io::Descriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket.is_open()) return system_error("create socket", path, errno);
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) {
    return system_error("remove old socket", path, errno);
  }
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(static_cast<char*>(address.sun_path), sizeof(address.sun_path) - 1);
  if (::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) {
    return system_error("bind socket", path, errno);
  }
  if (::chmod(path.c_str(), S_IRUSR | S_IWUSR) != 0 || ::listen(socket.get(), kBacklog) != 0) {
    return system_error("listen on socket", path, errno);
  }
  return socket;
}

bool is_own_user(int connection) {
  ucred peer{};
  socklen_t size = sizeof(peer);
  return ::getsockopt(connection, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 &&
         peer.uid == ::geteuid();
}

}  // namespace

Result<std::string> socket_path(const std::string& socket_directory) {
  std::string path = socket_directory + "/worker.sock";
  constexpr std::size_t kLongest = sizeof(sockaddr_un::sun_path) - 1;
  if (path.size() <= kLongest) return path;
  return Error{ErrorCode::kInvalidArgument, "path of the worker's socket is too long",
               "\"" + path + "\" has " + std::to_string(path.size()) + " bytes; " +
                   std::to_string(kLongest) + " are possible.",
               "Set lakehouse.socket_directory to a shorter path."};
}

Result<Listener> Listener::open(const std::string& socket_directory, const Context& context) {
  auto path = socket_path(socket_directory);
  if (!path) return path.error();
  if (Status prepared = prepare_directory(socket_directory); !prepared) return prepared.error();
  auto lock = take_lock(socket_directory + "/worker.lock", context);
  if (!lock) return lock.error();
  auto socket = bind_socket(*path);
  if (!socket) return socket.error();
  return Listener(*std::move(lock), *std::move(socket), *std::move(path));
}

Result<std::optional<io::Descriptor>> Listener::accept() {
  io::Descriptor connection(
      ::accept4(socket_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
  if (connection.is_open()) {
    if (!is_own_user(connection.get())) return std::optional<io::Descriptor>();
    return std::optional<io::Descriptor>(std::move(connection));
  }
  if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
    return Error{ErrorCode::kUnavailable,
                 std::string("could not accept a connection: ") + std::strerror(errno), "", ""};
  }
  return std::optional<io::Descriptor>();
}

void Listener::close_socket() noexcept {
  if (!socket_.is_open()) return;
  ::unlink(path_.c_str());
  socket_.reset();
}

}  // namespace lakehouse::worker::gateway
