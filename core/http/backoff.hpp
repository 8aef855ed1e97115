// SPDX-License-Identifier: PostgreSQL
// How long to wait before a request is repeated: full jitter, so that many clients that failed
// together do not come back together; never sooner than the server asks.
#pragma once

#include <chrono>
#include <cstdint>
#include <ctime>
#include <optional>
#include <random>
#include <string>

namespace lakehouse::http {

// No server is believed to need longer.
inline constexpr std::chrono::milliseconds kMaxRetryAfter = std::chrono::minutes(10);

// The Retry-After header (RFC 9110, 10.2.3): seconds, or a date that is compared with `now`.
// Between zero and kMaxRetryAfter; nothing if the value is neither.
std::optional<std::chrono::milliseconds> parse_retry_after(const std::string& value,
                                                           std::time_t now);

class Backoff {
 public:
  Backoff(std::chrono::milliseconds first, std::chrono::milliseconds ceiling, std::uint64_t seed)
      : first_(first), ceiling_(ceiling), random_(seed) {}

  // After `failures` attempts (1 or more): anything from zero to first * 2^(failures - 1), at most
  // the ceiling. With `retry_after`: that, and up to `first` more.
  std::chrono::milliseconds pick(int failures,
                                 std::optional<std::chrono::milliseconds> retry_after);

 private:
  std::chrono::milliseconds up_to(std::chrono::milliseconds bound);

  std::chrono::milliseconds first_, ceiling_;
  std::mt19937_64 random_;
};

}  // namespace lakehouse::http
