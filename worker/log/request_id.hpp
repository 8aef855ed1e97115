// SPDX-License-Identifier: PostgreSQL
// The id that follows one request through every log line. One from outside is taken only in a form
// that can do no harm in a log or a header.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string_view>

namespace lakehouse::worker::log {

inline constexpr std::size_t kMaxRequestIdBytes = 64;

inline bool is_request_id(std::string_view text) {
  const auto is_allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
  };
  return !text.empty() && text.size() <= kMaxRequestIdBytes &&
         std::all_of(text.begin(), text.end(), is_allowed);
}

}  // namespace lakehouse::worker::log
