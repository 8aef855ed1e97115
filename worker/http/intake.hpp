// SPDX-License-Identifier: PostgreSQL
// Intake: the bytes of a connection in, its requests out, one after the other. Knows no network.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "worker/http/body.hpp"
#include "worker/http/framing.hpp"
#include "worker/http/message.hpp"
#include "worker/http/server.hpp"

namespace lakehouse::worker::http {

class Intake {
 public:
  explicit Intake(const Limits& limits) : limits_(limits) {}

  // Bytes that follow a request wait here for the next one. When it is full, no more may be added
  // before a request has been taken or refused.
  void add(std::string_view bytes) { received_ += bytes; }
  bool is_full() const;
  bool is_empty() const noexcept { return received_.empty(); }
  std::size_t drop();  // what waits; returns how much that was

  enum class Progress : std::uint8_t {
    kHead,     // of the request there is nothing yet, or a part of its head
    kBody,     // the head is here, the body is not
    kRequest,  // see release()
    kRefused,  // see refusal(); where the next request begins is not known
  };
  Progress advance();

  // In kBody: the client waits to be told that it may send the body. True once.
  bool must_say_continue();

  struct Received {
    Request request;
    unsigned version = 11;
    bool is_kept_alive = false;
  };
  Received release();
  Response refusal();
  // Of the request that was refused; empty if its head was.
  const std::string& refused_path() const noexcept { return next_.request.path; }

 private:
  Progress take_head();
  Progress begin_body(const BeastRequest& head);
  Progress take_body();
  Progress refuse(Response response);

  const Limits& limits_;
  std::string received_;
  Received next_;
  std::optional<Body> body_;  // of next_
  bool is_waiting_for_continue_ = false;
  std::optional<Response> refusal_;
};

}  // namespace lakehouse::worker::http
