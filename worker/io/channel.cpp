// SPDX-License-Identifier: PostgreSQL
// Frames over a non-blocking socket: try first, wait only when the kernel says so.
#include "worker/io/channel.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>

#include "worker/io/readiness.hpp"

namespace lakehouse::worker::io {
namespace {

// How long a stopped sender goes on with a frame it has begun.
constexpr std::chrono::milliseconds kFinishFrame{500};
// A body grows as its bytes arrive, so that a header's claim alone costs no memory.
constexpr std::size_t kGrowth = 1U << 20U;

Error peer_gone_error() { return {ErrorCode::kCancelled, "peer closed the connection", "", ""}; }

bool would_block() { return errno == EAGAIN || errno == EWOULDBLOCK; }

std::array<iovec, 2> unsent(std::string_view header, std::string_view body, std::size_t sent) {
  const std::size_t of_header = std::min(sent, header.size());
  const std::size_t of_body = sent - of_header;
  return {{{const_cast<char*>(header.data()) + of_header, header.size() - of_header},
           {const_cast<char*>(body.data()) + of_body, body.size() - of_body}}};
}

}  // namespace

Channel::Channel(Descriptor socket) : socket_(std::move(socket)) {
  const int flags = ::fcntl(socket_.get(), F_GETFL);
  if (flags >= 0) ::fcntl(socket_.get(), F_SETFL, flags | O_NONBLOCK);
}

Result<std::optional<Frame>> Channel::receive(std::uint32_t max_body_bytes,
                                              const Context& context) {
  std::array<char, wire::kFrameHeaderBytes> raw{};
  const auto filled = fill(raw.data(), raw.size(), context);
  if (!filled) return filled.error();
  if (*filled == Filled::kPeerGone) return std::optional<Frame>();

  const auto header = wire::decode_header({raw.data(), raw.size()});
  if (!header) return header.error();
  if (header->body_bytes > max_body_bytes) {
    return Error{ErrorCode::kProtocol, "frame between backend and worker is too large", "", ""};
  }
  Frame frame{header->type, {}};
  while (frame.body.size() < header->body_bytes) {
    const std::size_t begin = frame.body.size();
    const std::size_t count = std::min<std::size_t>(kGrowth, header->body_bytes - begin);
    frame.body.resize(begin + count);
    const auto more = fill(frame.body.data() + begin, count, context);
    if (!more) return more.error();
    if (*more == Filled::kPeerGone) return std::optional<Frame>();
  }
  return std::optional<Frame>(std::move(frame));
}

Status Channel::send(wire::MessageType type, std::string_view body, const Context& context) {
  if (is_torn_ || peer_is_gone()) return peer_gone_error();
  if (body.size() >= wire::kMaxFrameBytes) {
    return Error{ErrorCode::kCapExceeded, "message between backend and worker is too large", "",
                 ""};
  }
  return send_all(wire::encode_header(type, static_cast<std::uint32_t>(body.size())), body,
                  context);
}

Result<Channel::Filled> Channel::fill(char* bytes, std::size_t count, const Context& context) {
  std::size_t have = 0;
  while (have < count) {
    const ssize_t got = ::recv(socket_.get(), bytes + have, count - have, 0);
    if (got > 0) {
      have += static_cast<std::size_t>(got);
      continue;
    }
    if (got == 0 || (!would_block() && errno != EINTR)) {
      peer_is_gone_.store(true, std::memory_order_release);
      return Filled::kPeerGone;
    }
    const Readiness readiness = wait_until_ready(socket_.get(), POLLIN, context);
    if (readiness != Readiness::kReady) return wait_error(readiness, "waiting for a message");
  }
  return Filled::kFull;
}

// Sends until done. A stop before the first byte ends it at once; after it, the rest gets
// kFinishFrame.
Status Channel::send_all(std::string_view header, std::string_view body, const Context& context) {
  const std::size_t total = header.size() + body.size();
  std::size_t sent = 0;
  Context waiting = context;
  while (sent < total) {
    auto pieces = unsent(header, body, sent);
    msghdr message{};
    message.msg_iov = pieces.data();
    message.msg_iovlen = pieces.size();
    const ssize_t count = ::sendmsg(socket_.get(), &message, MSG_NOSIGNAL);
    if (count >= 0) {
      sent += static_cast<std::size_t>(count);
      continue;
    }
    is_torn_ = true;
    if (!would_block() && errno != EINTR) return peer_gone_error();
    const Readiness readiness = wait_until_ready(socket_.get(), POLLOUT, waiting);
    if (readiness == Readiness::kStopped && sent > 0 && !peer_is_gone()) {
      waiting = Context{Deadline::in(kFinishFrame), {}, {}};
    } else if (readiness != Readiness::kReady) {
      is_torn_ = sent > 0;
      return wait_error(readiness, "sending a message");
    }
  }
  is_torn_ = false;
  return kDone;
}

}  // namespace lakehouse::worker::io
