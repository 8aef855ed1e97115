// SPDX-License-Identifier: PostgreSQL
// A parameter of a statement: always bound, never part of its text.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace lakehouse::worker::db {

class Value {
 public:
  static Value text(std::string_view text) { return Value(std::string(text), Format::kText); }
  static Value bytes(std::string_view bytes) { return Value(std::string(bytes), Format::kBinary); }
  static Value integer(std::int64_t number) { return Value(std::to_string(number), Format::kText); }
  static Value null() { return Value(std::nullopt, Format::kText); }

  const char* data() const noexcept { return content_ ? content_->c_str() : nullptr; }
  int size() const noexcept { return content_ ? static_cast<int>(content_->size()) : 0; }
  bool is_binary() const noexcept { return format_ == Format::kBinary; }

 private:
  enum class Format { kText, kBinary };
  Value(std::optional<std::string> content, Format format)
      : content_(std::move(content)), format_(format) {}

  std::optional<std::string> content_;
  Format format_;
};

}  // namespace lakehouse::worker::db
