// SPDX-License-Identifier: PostgreSQL
// The head of a response: status and header fields, collected line by line and bounded.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "core/http/client.hpp"

namespace lakehouse::http {

inline constexpr std::size_t kMaxHeadBytes = 65536;  // interim heads and trailers included
inline constexpr std::size_t kMaxHeaderCount = 200;

class Head {
 public:
  // One line with its end. False if a bound is crossed. Fields of interim (1xx) responses and
  // trailers are dropped.
  bool take(std::string_view line);

  bool is_complete() const noexcept { return is_complete_; }
  int status() const noexcept { return status_; }
  std::optional<std::uint64_t> content_length() const;
  std::vector<Header> take_headers() { return std::move(headers_); }

 private:
  bool take_field(std::string_view line);

  std::vector<Header> headers_;  // names in lower case
  std::size_t bytes_ = 0;
  int status_ = 0;
  bool is_complete_ = false;
};

// The first value of a header; the name in lower case.
std::optional<std::string_view> find_header(const std::vector<Header>& headers,
                                            std::string_view name);

}  // namespace lakehouse::http
