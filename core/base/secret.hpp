// SPDX-License-Identifier: PostgreSQL
// A string that is wiped when it dies and can't be printed by accident: it has no stream or format
// operator.
#pragma once

#include <cstring>
#include <string>
#include <string_view>
#include <utility>

namespace lakehouse {

class Secret {
 public:
  Secret() = default;
  // The argument is wiped too: moving a short string copies it and leaves the characters behind.
  explicit Secret(std::string text) : text_(std::move(text)) { wipe(text); }
  ~Secret() { wipe(text_); }
  Secret(const Secret&) = default;
  Secret(Secret&& other) noexcept : text_(std::move(other.text_)) { wipe(other.text_); }
  Secret& operator=(Secret other) noexcept {
    text_.swap(other.text_);
    return *this;
  }

  // Named so that each use of the plain text stands out in review.
  std::string_view reveal() const noexcept { return text_; }
  bool is_empty() const noexcept { return text_.empty(); }

  static void wipe(std::string& text) noexcept {
    explicit_bzero(text.data(), text.capacity());
    text.clear();
  }

 private:
  std::string text_;
};

}  // namespace lakehouse
