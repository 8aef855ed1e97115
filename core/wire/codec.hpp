// SPDX-License-Identifier: PostgreSQL
// Writer and Reader: the one encoding of wire messages. Integers native, strings and lists with a
// uint32 count before them. The Reader believes nothing: every length is checked against what is
// there.
#pragma once

#include <cstring>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "core/base/result.hpp"
#include "core/wire/message.hpp"

namespace lakehouse::wire {

class Writer {
 public:
  template <typename... Fields>
  void operator()(Fields&... fields) {
    (put(fields), ...);
  }
  std::string take() { return std::move(bytes_); }

 private:
  template <typename Field>
  void put(Field& field) {
    if constexpr (std::is_arithmetic_v<Field>) {
      bytes_.append(reinterpret_cast<const char*>(&field), sizeof(Field));
    } else if constexpr (std::is_same_v<Field, std::string>) {
      put_count(field.size());
      bytes_.append(field);
    } else {
      field.describe(*this);
    }
  }
  template <typename Item>
  void put(std::vector<Item>& items) {
    put_count(items.size());
    for (Item& item : items) put(item);
  }
  void put_count(std::size_t count) {
    const auto narrow = static_cast<std::uint32_t>(count);
    put(narrow);
  }

  std::string bytes_;
};

class Reader {
 public:
  explicit Reader(std::string_view bytes) : bytes_(bytes) {}

  template <typename... Fields>
  void operator()(Fields&... fields) {
    (take(fields), ...);
  }

  // All bytes were used and none was missing.
  bool is_complete() const noexcept { return is_sound_ && bytes_.empty(); }

 private:
  std::string_view take_bytes(std::size_t count) {
    if (count > bytes_.size()) {
      is_sound_ = false;
      bytes_ = {};
      return {};
    }
    const std::string_view taken = bytes_.substr(0, count);
    bytes_.remove_prefix(count);
    return taken;
  }
  template <typename Field>
  void take(Field& field) {
    if constexpr (std::is_same_v<Field, bool>) {
      const std::string_view raw = take_bytes(1);
      field = !raw.empty() && raw[0] != 0;
    } else if constexpr (std::is_arithmetic_v<Field>) {
      const std::string_view raw = take_bytes(sizeof(Field));
      if (!raw.empty()) std::memcpy(&field, raw.data(), sizeof(Field));
    } else if constexpr (std::is_same_v<Field, std::string>) {
      std::uint32_t size = 0;
      take(size);
      field = take_bytes(size);
    } else {
      field.describe(*this);
    }
  }
  template <typename Item>
  void take(std::vector<Item>& items) {
    std::uint32_t count = 0;
    take(count);
    items.clear();
    for (std::uint32_t i = 0; i < count && is_sound_; ++i) take(items.emplace_back());
  }

  std::string_view bytes_;
  bool is_sound_ = true;
};

inline constexpr std::size_t kFrameHeaderBytes = 5;

struct FrameHeader {
  std::uint32_t body_bytes = 0;
  MessageType type = MessageType::kFailure;
};

// The five bytes before a body.
std::string encode_header(MessageType type, std::uint32_t body_bytes);
Result<FrameHeader> decode_header(std::string_view five_bytes);

// A whole frame: header and body.
template <typename Message>
std::string encode(Message message) {
  Writer writer;
  message.describe(writer);
  const std::string body = writer.take();
  return encode_header(Message::kType, static_cast<std::uint32_t>(body.size())) + body;
}

// A body of the type that the header announced.
template <typename Message>
Result<Message> decode(std::string_view body) {
  Message message;
  Reader reader(body);
  message.describe(reader);
  if (!reader.is_complete()) {
    return Error{ErrorCode::kProtocol, "malformed message between backend and worker",
                 std::string("Message type is \"") + static_cast<char>(Message::kType) + "\".",
                 "Restart the server so that extension and worker are of one version."};
  }
  return message;
}

Failure to_failure(const Error& error);
Error to_error(const Failure& failure);

}  // namespace lakehouse::wire
