// SPDX-License-Identifier: PostgreSQL
// signalfd(2), and the main thread's sleep.
#include "worker/process/signals.hpp"

#include <poll.h>
#include <pthread.h>
#include <sys/signalfd.h>

#include <array>
#include <cerrno>
#include <csignal>

namespace lakehouse::worker::process {
namespace {

bool has_ended(int input) {
  std::array<char, 512> thrown_away{};
  const ssize_t count = ::read(input, thrown_away.data(), thrown_away.size());
  return count == 0 || (count < 0 && errno != EINTR && errno != EAGAIN);
}

}  // namespace

Result<Signals> Signals::block() {
  sigset_t set;
  ::sigemptyset(&set);
  for (const int number : {SIGTERM, SIGINT, SIGHUP}) ::sigaddset(&set, number);
  if (::pthread_sigmask(SIG_BLOCK, &set, nullptr) != 0) {
    return Error{ErrorCode::kInternal, "could not block signals", "", ""};
  }
  io::Descriptor fd(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!fd.is_open()) return Error{ErrorCode::kInternal, "could not watch signals", "", ""};
  return Signals(std::move(fd));
}

Signals::Requests Signals::take() const {
  Requests taken;
  signalfd_siginfo info{};
  while (::read(fd_.get(), &info, sizeof(info)) == static_cast<ssize_t>(sizeof(info))) {
    (info.ssi_signo == SIGHUP ? taken.is_reload : taken.is_stop) = true;
  }
  return taken;
}

StopCause wait_for_stop(const Signals& signals, int input, const std::function<void()>& reload) {
  for (;;) {
    std::array<pollfd, 2> polled{{{signals.fd(), POLLIN, 0}, {input, POLLIN, 0}}};
    if (::poll(polled.data(), polled.size(), -1) < 0) continue;
    if (polled[0].revents != 0) {
      const Signals::Requests taken = signals.take();
      if (taken.is_stop) return StopCause::kSignal;
      if (taken.is_reload) reload();
    }
    if (polled[1].revents != 0 && has_ended(input)) return StopCause::kInputClosed;
  }
}

}  // namespace lakehouse::worker::process
