// SPDX-License-Identifier: PostgreSQL
// Jitter and Retry-After.
#include "core/http/backoff.hpp"

#include <curl/curl.h>

#include <algorithm>
#include <charconv>

namespace lakehouse::http {
namespace {

std::chrono::milliseconds clamp_seconds(std::int64_t seconds) {
  constexpr std::int64_t kCeiling =
      std::chrono::floor<std::chrono::seconds>(kMaxRetryAfter).count();
  return std::chrono::seconds(std::clamp(seconds, std::int64_t{0}, kCeiling));
}

}  // namespace

std::optional<std::chrono::milliseconds> parse_retry_after(const std::string& value,
                                                           std::time_t now) {
  std::int64_t seconds = 0;
  const char* const end = value.data() + value.size();
  const auto [stop, status] = std::from_chars(value.data(), end, seconds);
  if (status == std::errc::result_out_of_range && value[0] != '-') return kMaxRetryAfter;
  if (status == std::errc() && stop == end) return clamp_seconds(seconds);
  const std::time_t date = curl_getdate(value.c_str(), nullptr);
  if (date < 0) return std::nullopt;
  return clamp_seconds(static_cast<std::int64_t>(date) - static_cast<std::int64_t>(now));
}

std::chrono::milliseconds Backoff::pick(int failures,
                                        std::optional<std::chrono::milliseconds> retry_after) {
  if (retry_after && retry_after->count() > 0) return *retry_after + up_to(first_);
  auto bound = first_;
  for (int i = 1; i < failures && bound < ceiling_; ++i) bound *= 2;
  return up_to(std::min(bound, ceiling_));
}

std::chrono::milliseconds Backoff::up_to(std::chrono::milliseconds bound) {
  std::uniform_int_distribution<std::int64_t> distribution(
      0, std::max<std::int64_t>(0, bound.count()));
  return std::chrono::milliseconds(distribution(random_));
}

}  // namespace lakehouse::http
