// SPDX-License-Identifier: PostgreSQL
// One connection from this backend to the worker: a request, then its answers, frame by frame.
// The worker takes a closed socket as cancel, so an owner that outlives a call must hang on a
// memory context. Waits on latch and socket: Ctrl-C always works. C++ regime: errors are thrown.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "core/base/context.hpp"
#include "core/wire/codec.hpp"

namespace lakehouse::client {

enum class Patience : std::uint8_t {
  kNone,
  kRestart,  // wait a few seconds for a worker that is being (re)started
};

class Channel {
 public:
  // Connects and says Hello. Errors: kWorkerNotRunning with a HINT.
  static std::unique_ptr<Channel> open(Patience patience, Deadline deadline = Deadline::never());
  ~Channel();
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;

  template <typename Message>
  void send(const Message& message) {
    send_bytes(wire::encode(message));
  }

  // Waits for one whole frame; it stays until the next call. The body is 16-byte aligned.
  void receive();
  wire::MessageType type() const noexcept { return header_.type; }
  std::string_view body() const noexcept { return {body_.get(), header_.body_bytes}; }

  // The frame as this message. A Failure becomes its error, anything else kProtocol.
  template <typename Message>
  Message expect() const {
    require_type(Message::kType);
    return decode_or_throw<Message>();
  }

  // Every later wait ends by then, with kTimeout; for callers whom no interrupt reaches.
  void give_up_at(Deadline deadline) noexcept { deadline_ = deadline; }
  // Between two requests: the worker has neither closed the connection nor sent anything.
  bool is_quiet() const noexcept;

  // send, receive, expect.
  template <typename Answer, typename Request>
  Answer ask(const Request& request) {
    send(request);
    receive();
    return expect<Answer>();
  }

 private:
  Channel() = default;

  void connect(Patience patience);
  void close() noexcept;
  bool try_connect(const char* path);
  void send_bytes(std::string_view bytes);
  void fill(char* target, std::size_t size);
  void wait_for(std::uint32_t event, long timeout_ms) const;
  void require_type(wire::MessageType type) const;
  template <typename Message>
  Message decode_or_throw() const;

  int socket_ = -1;
  Deadline deadline_ = Deadline::never();
  wire::FrameHeader header_;
  std::unique_ptr<char[]> body_;
  std::size_t body_capacity_ = 0;
};

[[noreturn]] void throw_error(Error error);

template <typename Message>
Message Channel::decode_or_throw() const {
  Result<Message> message = wire::decode<Message>(body());
  if (!message) throw_error(std::move(message).error());
  return std::move(message).value();
}

}  // namespace lakehouse::client
