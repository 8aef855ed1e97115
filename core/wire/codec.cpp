// SPDX-License-Identifier: PostgreSQL
// Frame headers, and errors on their way across the wire.
#include "core/wire/codec.hpp"

namespace lakehouse::wire {

std::string encode_header(MessageType type, std::uint32_t body_bytes) {
  const std::uint32_t length = body_bytes + 1;
  std::string bytes(reinterpret_cast<const char*>(&length), sizeof(length));
  bytes.push_back(static_cast<char>(type));
  return bytes;
}

Result<FrameHeader> decode_header(std::string_view five_bytes) {
  std::uint32_t length = 0;
  if (five_bytes.size() == kFrameHeaderBytes)
    std::memcpy(&length, five_bytes.data(), sizeof(length));
  if (length == 0 || length > kMaxFrameBytes) {
    return Error{ErrorCode::kProtocol, "malformed frame between backend and worker", "", ""};
  }
  return FrameHeader{length - 1, static_cast<MessageType>(five_bytes[4])};
}

Failure to_failure(const Error& error) {
  return {static_cast<std::uint8_t>(error.code), error.message, error.detail, error.hint};
}

Error to_error(const Failure& failure) {
  const auto code =
      failure.code < kErrorCodeCount ? static_cast<ErrorCode>(failure.code) : ErrorCode::kInternal;
  return {code, failure.message, failure.detail, failure.hint};
}

}  // namespace lakehouse::wire
