// SPDX-License-Identifier: PostgreSQL
// Connect, and the command's Hello.
#include "worker/command/call.hpp"

#include <sys/socket.h>
#include <sys/un.h>

#include <cerrno>
#include <cstring>

#include "worker/gateway/listener.hpp"

namespace lakehouse::worker::command {
namespace {

Error connect_error(const std::string& path, int number) {
  if (number == EACCES || number == EPERM) {
    return {ErrorCode::kPermissionDenied, "permission denied for socket \"" + path + "\"", "",
            "Run this command as the user that runs the server."};
  }
  return {ErrorCode::kWorkerNotRunning,
          "could not connect to the worker at \"" + path + "\": " + std::strerror(number), "",
          "Is the server running, and is this its lakehouse.socket_directory?"};
}

}  // namespace

Result<io::Descriptor> connect_to_worker(const std::string& socket_directory) {
  const auto path = gateway::socket_path(socket_directory);
  if (!path) return path.error();
  io::Descriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path->copy(static_cast<char*>(address.sun_path), sizeof(address.sun_path) - 1);
  if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) {
    return connect_error(*path, errno);
  }
  return socket;
}

wire::Hello greeting() {
  return {wire::kProtocolVersion, ::getpid(), "cmd-" + std::to_string(::getpid())};
}

Error unexpected_answer_error() {
  return {ErrorCode::kProtocol, "unexpected answer from the worker", "", "See the server's log."};
}

}  // namespace lakehouse::worker::command
