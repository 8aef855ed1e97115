// SPDX-License-Identifier: PostgreSQL
// Frames: nine bytes of head, then the payload.
#include "tests/unit/core/http/http2_connection.hpp"

namespace lakehouse::http::testing {
namespace {

constexpr std::string_view kPreface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
constexpr std::uint8_t kData = 0, kHeaders = 1, kSettings = 4, kPing = 6;
constexpr std::uint8_t kEndStream = 1, kAcknowledged = 1, kEndHeaders = 4;
constexpr char kStatus200[] = "\x88";  // the entry of HPACK's static table

std::uint32_t read_number(const std::string& bytes, std::size_t at, std::size_t size) {
  std::uint32_t number = 0;
  for (std::size_t i = 0; i < size; ++i) {
    number = number << 8U | static_cast<unsigned char>(bytes[at + i]);
  }
  return number;
}

void append_number(std::string& bytes, std::uint32_t number, unsigned size) {
  while (size-- > 0) bytes.push_back(static_cast<char>(number >> 8U * size & 0xFFU));
}

}  // namespace

bool Http2Connection::start() {
  send_frame({kSettings, 0, 0}, "");
  return read(kPreface.size()) == kPreface;
}

bool Http2Connection::wait_for_request() {
  while (const auto frame = read_frame()) {
    stream_ = frame->stream;
    if (frame->type == kHeaders) return true;
  }
  return false;
}

void Http2Connection::answer() {
  send_frame({kHeaders, kEndHeaders, stream_}, kStatus200);
  send_frame({kData, kEndStream, stream_}, "ok");
}

std::optional<std::string> Http2Connection::read(std::size_t size) {
  while (input_.size() < size) {
    const std::string more = peer_.receive();
    if (more.empty()) return std::nullopt;
    input_ += more;
  }
  std::string bytes = input_.substr(0, size);
  input_.erase(0, size);
  return bytes;
}

std::optional<Http2Connection::Frame> Http2Connection::read_frame() {
  const auto head = read(9);
  if (!head) return std::nullopt;
  const Frame frame{static_cast<std::uint8_t>((*head)[3]), static_cast<std::uint8_t>((*head)[4]),
                    read_number(*head, 5, 4)};
  const auto payload = read(read_number(*head, 0, 3));
  if (!payload) return std::nullopt;
  const bool wants_reply =
      (frame.type == kSettings || frame.type == kPing) && (frame.flags & kAcknowledged) == 0;
  if (wants_reply) {
    send_frame({frame.type, kAcknowledged, 0}, frame.type == kPing ? *payload : "");
  }
  return frame;
}

void Http2Connection::send_frame(const Frame& frame, const std::string& payload) {
  std::string bytes;
  append_number(bytes, static_cast<std::uint32_t>(payload.size()), 3);
  append_number(bytes, frame.type, 1);
  append_number(bytes, frame.flags, 1);
  append_number(bytes, frame.stream, 4);
  peer_.send(bytes + payload);
}

}  // namespace lakehouse::http::testing
