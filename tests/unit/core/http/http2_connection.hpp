// SPDX-License-Identifier: PostgreSQL
// As much of HTTP/2 as a test server needs: answers each request, none of which has a body, with
// 200 and "ok" (RFC 9113). Reads no header: they are compressed.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "tests/unit/core/http/test_server.hpp"

namespace lakehouse::http::testing {

class Http2Connection {
 public:
  explicit Http2Connection(Peer& peer) : peer_(peer) {}

  bool start();             // reads the preface
  bool wait_for_request();  // false at the end of the connection
  void answer();            // the request last waited for

 private:
  struct Frame {
    std::uint8_t type, flags;
    std::uint32_t stream;
  };
  std::optional<std::string> read(std::size_t size);
  std::optional<Frame> read_frame();
  void send_frame(const Frame& frame, const std::string& payload);

  Peer& peer_;
  std::string input_;
  std::uint32_t stream_ = 0;
};

}  // namespace lakehouse::http::testing
