// SPDX-License-Identifier: PostgreSQL
// A file in memory, as sink and source; can be told to fail after some bytes.
#pragma once

#include <algorithm>
#include <cstring>
#include <limits>
#include <string>

#include "core/delta/stream.hpp"

namespace lakehouse::delta::test {

class MemoryFile : public Sink, public Source {
 public:
  explicit MemoryFile(std::string content = {}) : content_(std::move(content)) {}

  Status write(std::span<const std::byte> bytes) override {
    if (content_.size() + bytes.size() > room_) {
      return Error{ErrorCode::kUnavailable, "no room left", "", ""};
    }
    content_.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    return kDone;
  }
  std::int64_t bytes() const override { return static_cast<std::int64_t>(content_.size()); }
  Result<std::size_t> read(std::int64_t offset, std::span<std::byte> into) const override {
    const auto start = std::min(static_cast<std::size_t>(offset), content_.size());
    const std::size_t count = std::min(into.size(), content_.size() - start);
    if (count > 0) std::memcpy(into.data(), content_.data() + start, count);
    return count;
  }

  void set_room(std::size_t room) { room_ = room; }
  std::string& content() { return content_; }

 private:
  std::string content_;
  std::size_t room_ = std::numeric_limits<std::size_t>::max();
};

}  // namespace lakehouse::delta::test
