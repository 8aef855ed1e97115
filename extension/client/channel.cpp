// SPDX-License-Identifier: PostgreSQL
// The socket, and the waits on it.
#include "extension/client/channel.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>

#include "extension/border/border.hpp"
#include "extension/settings.hpp"
#include "extension/postgres/prelude.hpp"

namespace lakehouse::client {
namespace {

// A killed worker is back within this span (the launcher's back-off starts at 0.1 s).
constexpr std::chrono::seconds kConnectPatience{5};
constexpr long kConnectRetry_ms = 50;
// Where a deadline is set: the longest wait between two looks at it.
constexpr std::chrono::milliseconds kDeadlineLook{1'000};

Error not_running_error(std::string detail) {
  return {ErrorCode::kWorkerNotRunning, "lakehouse worker is not running", std::move(detail),
          "Look for \"lakehouse\" in the server log; lakehouse.worker_autostart must be on and "
          "lakehouse must be in "
          "shared_preload_libraries."};
}

Error lost_error() {
  return {ErrorCode::kWorkerNotRunning, "lost the connection to the lakehouse worker",
          "The worker ended while it was answering this query.",
          "Run the query again; the server log says why."};
}

Error silent_error() {
  return {ErrorCode::kTimeout, "lakehouse worker does not answer in time", "",
          "Look for \"lakehouse\" in the server log."};
}

std::string next_request_id() {
  static std::uint32_t counter = 0;
  return std::to_string(MyProcPid) + "-" + std::to_string(++counter);
}

}  // namespace

void throw_error(Error error) { throw border::Failed{std::move(error)}; }

std::unique_ptr<Channel> Channel::open(Patience patience, Deadline deadline) {
  std::unique_ptr<Channel> channel(new Channel());
  channel->give_up_at(deadline);
  channel->connect(patience);
  wire::Hello hello;
  hello.process_id = MyProcPid;
  hello.request_id = next_request_id();
  channel->send(hello);
  return channel;
}

Channel::~Channel() { close(); }

void Channel::close() noexcept {
  if (socket_ < 0) return;
  ::close(socket_);
  socket_ = -1;
  ReleaseExternalFD();
}

void Channel::connect(Patience patience) {
  const std::string path = [] {
    const char* directory = border::call([] { return settings::effective_socket_directory(); });
    return std::string(directory) + "/worker.sock";
  }();
  const bool is_patient = patience == Patience::kRestart && settings::worker_autostart;
  const Deadline deadline = Deadline::in(is_patient ? kConnectPatience : std::chrono::seconds(0));
  while (!try_connect(path.c_str())) {
    if (deadline.has_passed())
      throw_error(not_running_error("Nothing answers on socket \"" + path + "\"."));
    wait_for(0, kConnectRetry_ms);
  }
}

// False: nobody there yet.
bool Channel::try_connect(const char* path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (std::strlen(path) >= sizeof(address.sun_path)) {
    throw_error(not_running_error(std::string("Socket path \"") + path +
                                  "\" is longer than the system allows; set "
                                  "lakehouse.socket_directory to a short one."));
  }
  std::strcpy(address.sun_path, path);
  if (!AcquireExternalFD())
    throw_error({ErrorCode::kCapExceeded, "out of file descriptors in this backend", "", ""});
  socket_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (socket_ < 0) {
    ReleaseExternalFD();
    throw_error(
        not_running_error(std::string("Could not create a socket: ") + std::strerror(errno) + "."));
  }
  if (::connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0)
    return true;
  const int reason = errno;
  close();
  if (reason == ENOENT || reason == ECONNREFUSED || reason == EAGAIN) return false;
  throw_error(not_running_error(std::string("Could not connect: ") + std::strerror(reason) + "."));
}

bool Channel::is_quiet() const noexcept {
  char byte = 0;
  const ssize_t got = ::recv(socket_, &byte, sizeof(byte), MSG_PEEK | MSG_DONTWAIT);
  return got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
}

void Channel::send_bytes(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent > 0) {
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
      wait_for(WL_SOCKET_WRITEABLE, -1);
    } else if (errno != EINTR) {
      // The worker may have said why before it closed: leave that to receive().
      if (errno == EPIPE || errno == ECONNRESET) return;
      throw_error(lost_error());
    }
  }
}

void Channel::receive() {
  char raw_header[wire::kFrameHeaderBytes];
  fill(raw_header, sizeof(raw_header));
  header_ = border::unwrap(wire::decode_header({raw_header, sizeof(raw_header)}));
  if (header_.body_bytes > body_capacity_) {
    body_.reset();
    body_ = std::make_unique_for_overwrite<char[]>(header_.body_bytes);
    body_capacity_ = header_.body_bytes;
  }
  fill(body_.get(), header_.body_bytes);
}

void Channel::fill(char* target, std::size_t size) {
  while (size > 0) {
    const ssize_t got = ::recv(socket_, target, size, 0);
    if (got > 0) {
      target += got;
      size -= static_cast<std::size_t>(got);
    } else if (got == 0) {
      throw_error(lost_error());
    } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
      wait_for(WL_SOCKET_READABLE, -1);
    } else if (errno != EINTR) {
      throw_error(lost_error());
    }
  }
}

// Returns when the socket is ready, the time is up or the latch was set; interrupts are served on
// the way, below the border, so that a cancelled query unwinds the C++ frames above.
void Channel::wait_for(std::uint32_t event, long timeout_ms) const {
  if (deadline_.has_passed()) throw_error(silent_error());
  if (!deadline_.is_never() && timeout_ms < 0) timeout_ms = deadline_.left(kDeadlineLook).count();
  border::call([&] {
    int wake = WL_LATCH_SET | WL_EXIT_ON_PM_DEATH | static_cast<int>(event);
    if (timeout_ms >= 0) wake |= WL_TIMEOUT;
    const int woken = WaitLatchOrSocket(MyLatch, wake, event == 0 ? PGINVALID_SOCKET : socket_,
                                        timeout_ms, PG_WAIT_EXTENSION);
    if ((woken & WL_LATCH_SET) != 0) ResetLatch(MyLatch);
    CHECK_FOR_INTERRUPTS();
  });
}

void Channel::require_type(wire::MessageType type) const {
  if (header_.type == type) return;
  if (header_.type == wire::MessageType::kFailure)
    throw_error(wire::to_error(decode_or_throw<wire::Failure>()));
  throw_error({ErrorCode::kProtocol, "unexpected answer from the lakehouse worker", "",
               "Restart the server so that extension and worker are of one version."});
}

}  // namespace lakehouse::client
