// SPDX-License-Identifier: PostgreSQL
// poll(2) on the descriptor and on an eventfd that a stop callback rings.
#include "worker/io/readiness.hpp"

#include <poll.h>
#include <sys/eventfd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <functional>

#include "worker/io/descriptor.hpp"

namespace lakehouse::worker::io {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kLongestPoll = std::chrono::hours(1);
constexpr milliseconds kPollWithoutBell{
    50};  // when no eventfd is to be had: how late a stop may be seen

class Bell {
 public:
  Bell() : fd_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}
  int fd() const noexcept { return fd_.get(); }
  void ring() const noexcept {
    if (fd_.is_open()) ::eventfd_write(fd_.get(), 1);
  }

 private:
  Descriptor fd_;
};

}  // namespace

Readiness wait_until_ready(int fd, short events, const Context& context) {
  const Bell bell;
  const std::stop_callback on_stop(context.stop, [&bell]() noexcept { bell.ring(); });
  const milliseconds longest = bell.fd() >= 0 ? kLongestPoll : kPollWithoutBell;
  for (;;) {
    if (context.stop.stop_requested()) return Readiness::kStopped;
    std::array<pollfd, 2> polled{{{fd, events, 0}, {bell.fd(), POLLIN, 0}}};
    const auto span = static_cast<int>(context.deadline.left(longest).count());
    const int count = ::poll(polled.data(), polled.size(), span);
    if (context.stop.stop_requested()) return Readiness::kStopped;
    if (count > 0 && polled[0].revents != 0) return Readiness::kReady;
    if (count < 0 && errno != EINTR) return Readiness::kReady;
    if (context.deadline.has_passed()) return Readiness::kTimedOut;
  }
}

Error wait_error(Readiness readiness, const std::string& what) {
  if (readiness == Readiness::kStopped) return cancelled_error();
  return {ErrorCode::kTimeout, "timeout while " + what, "", ""};
}

}  // namespace lakehouse::worker::io
