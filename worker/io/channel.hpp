// SPDX-License-Identifier: PostgreSQL
// Channel: wire frames over one connected stream socket, in both directions.
// One thread may receive while another sends. Waits end by deadline or stop; a frame is never sent
// by half and then followed by another one.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/base/context.hpp"
#include "core/base/result.hpp"
#include "core/wire/codec.hpp"
#include "worker/io/descriptor.hpp"

namespace lakehouse::worker::io {

struct Frame {
  wire::MessageType type = wire::MessageType::kFailure;
  std::string body;
};

class Channel {
 public:
  explicit Channel(Descriptor socket);

  // The next frame, or nothing when the peer has gone. Errors: kProtocol (malformed, or body larger
  // than `max_body_bytes`), kTimeout, kCancelled.
  Result<std::optional<Frame>> receive(std::uint32_t max_body_bytes, const Context& context);

  template <typename Message>
  Status send(Message message, const Context& context) {
    wire::Writer writer;
    message.describe(writer);
    return send(Message::kType, writer.take(), context);
  }

  // Header and body leave in one system call, without a copy. A stop in the middle of a frame lets
  // a reading peer have the rest (bounded), so that an answer can still follow. Errors: kTimeout,
  // kCancelled (also: peer gone).
  Status send(wire::MessageType type, std::string_view body, const Context& context);

  bool peer_is_gone() const noexcept { return peer_is_gone_.load(std::memory_order_acquire); }

 private:
  enum class Filled { kFull, kPeerGone };
  Result<Filled> fill(char* bytes, std::size_t count, const Context& context);
  Status send_all(std::string_view header, std::string_view body, const Context& context);

  Descriptor socket_;
  std::atomic<bool> peer_is_gone_ = false;
  bool is_torn_ = false;  // a frame was sent by half; only the sending thread looks
};

}  // namespace lakehouse::worker::io
