// SPDX-License-Identifier: PostgreSQL
// termios and poll.
#include "worker/command/read_secret.hpp"

#include <poll.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <string>

#include "core/base/context.hpp"

namespace lakehouse::worker::command {
namespace {

constexpr std::size_t kMaxSecretBytes = 64U << 10U;

class EchoOff {
 public:
  explicit EchoOff(int terminal) : terminal_(terminal) {
    is_terminal_ = ::isatty(terminal) == 1 && ::tcgetattr(terminal, &before_) == 0;
    if (!is_terminal_) return;
    termios silent = before_;
    silent.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    ::tcsetattr(terminal_, TCSAFLUSH, &silent);
  }
  ~EchoOff() {
    if (!is_terminal_) return;
    ::tcsetattr(terminal_, TCSAFLUSH, &before_);
    std::fputc('\n', stderr);
  }
  EchoOff(const EchoOff&) = delete;
  EchoOff& operator=(const EchoOff&) = delete;
  bool is_terminal() const noexcept { return is_terminal_; }

 private:
  int terminal_;
  bool is_terminal_ = false;
  termios before_{};
};

enum class Ended { kByInput, kBySignal, kByError };

Ended read_all(int input, bool is_line, const process::Signals& signals, std::string& text) {
  std::array<char, 4096> block{};
  Ended ended = Ended::kByInput;
  while (text.size() <= kMaxSecretBytes) {
    std::array<pollfd, 2> polled{{{signals.fd(), POLLIN, 0}, {input, POLLIN, 0}}};
    if (::poll(polled.data(), polled.size(), -1) < 0 && errno != EINTR) {
      ended = Ended::kByError;
      break;
    }
    if (polled[0].revents != 0 && signals.take_stop_request()) {
      ended = Ended::kBySignal;
      break;
    }
    if (polled[1].revents == 0) continue;
    const ssize_t count = ::read(input, block.data(), block.size());
    if (count < 0 && errno != EINTR) ended = Ended::kByError;
    if (count == 0 || ended == Ended::kByError) break;
    if (count > 0) text.append(block.data(), static_cast<std::size_t>(count));
    if (is_line && text.ends_with('\n')) break;
  }
  explicit_bzero(block.data(), block.size());
  return ended;
}

Error bad_secret(const std::string& message) {
  return {ErrorCode::kInvalidArgument, message, "", "Give the secret on standard input."};
}

}  // namespace

Result<Secret> read_secret(int input, std::string_view prompt, const process::Signals& signals) {
  std::string text;
  text.reserve(kMaxSecretBytes + 4096);  // never moved, so no copy stays behind
  Ended ended = Ended::kByInput;
  {
    const EchoOff echo_off(input);
    if (echo_off.is_terminal()) {
      std::fprintf(stderr, "%.*s", static_cast<int>(prompt.size()), prompt.data());
    }
    ended = read_all(input, echo_off.is_terminal(), signals, text);
  }
  if (text.ends_with('\n')) text.pop_back();
  const std::size_t size = text.size();
  Secret secret{std::string(text)};
  Secret::wipe(text);
  if (ended == Ended::kBySignal) return cancelled_error();
  if (ended == Ended::kByError) return bad_secret("could not read the secret");
  if (size == 0) return bad_secret("secret is empty");
  if (size > kMaxSecretBytes) return bad_secret("secret is longer than 64 KiB");
  return secret;
}

}  // namespace lakehouse::worker::command
