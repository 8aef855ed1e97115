// SPDX-License-Identifier: PostgreSQL
// Session: one connection of a backend or command, which carries one request, or any number of
// RecordAudit one after the other.
// Two threads: the runner does the request as sequential code; the reader takes credit and sees the
// peer go away, and then asks the runner to stop, wherever it is.
#pragma once

#include <chrono>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>

#include "worker/gateway/credit.hpp"
#include "worker/gateway/services.hpp"
#include "worker/io/channel.hpp"

namespace lakehouse::worker::gateway {

class Session {
 public:
  // `number` names the request in the log until the client has said its own id.
  Session(io::Descriptor socket, Services& services, std::chrono::milliseconds handshake_time,
          std::uint64_t number);

  // From Hello to the answer's last byte, on the calling thread. The socket is closed on return.
  void run() noexcept;

  // Ends the request early; the client is told `reason`. The first reason counts. From any thread.
  void stop(Error reason) noexcept;

 private:
  void serve();
  Status greet(const Context& handshake);
  Result<io::Frame> receive(std::uint32_t max_body_bytes, const Context& handshake);
  void watch(std::stop_token done) noexcept;
  void read_credit(const std::stop_token& done);
  void handle_frame(io::Frame request);
  void open_scan(io::Frame& request);
  Uses::Use use_of(const std::string& connection_id);
  void keep_recording(io::Frame request);
  bool record(io::Frame& request);
  template <typename Message>
  void answer_one(io::Frame& request);
  void fail(const Error& error) noexcept;  // tells the client and the log
  void tell(const Error& error) noexcept;

  std::optional<io::Channel> channel_;
  Services& services_;
  const std::chrono::milliseconds handshake_time_;
  Credit credit_;
  Context context_;  // of the request: request id and stop, no deadline
  std::stop_source stop_;
  std::mutex mutex_;
  std::optional<Error> stop_reason_;
};

}  // namespace lakehouse::worker::gateway
