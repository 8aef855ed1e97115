// SPDX-License-Identifier: PostgreSQL
// Read left to right, character by character.
#include "worker/sharing/timestamp.hpp"

#include <chrono>
#include <cstdio>

namespace lakehouse::worker::sharing {
namespace {

constexpr int kFractionDigits = 6;  // microseconds; further ones are dropped

class Reader {
 public:
  explicit Reader(std::string_view text) : rest_(text) {}

  bool is_at_end() const { return rest_.empty(); }
  bool skip(std::string_view any_of) {
    if (rest_.empty() || any_of.find(rest_.front()) == std::string_view::npos) return false;
    rest_.remove_prefix(1);
    return true;
  }
  // -1: there are not so many digits.
  int number(std::size_t digits) {
    int value = 0;
    if (rest_.size() < digits) return -1;
    for (std::size_t i = 0; i < digits; ++i) {
      if (rest_[i] < '0' || rest_[i] > '9') return -1;
      value = value * 10 + (rest_[i] - '0');
    }
    rest_.remove_prefix(digits);
    return value;
  }
  char front() const { return rest_.empty() ? '\0' : rest_.front(); }

 private:
  std::string_view rest_;
};

std::optional<std::chrono::sys_days> read_date(Reader& reader) {
  const int year = reader.number(4);
  if (year < 0 || !reader.skip("-")) return std::nullopt;
  const int month = reader.number(2);
  if (month < 0 || !reader.skip("-")) return std::nullopt;
  const int day = reader.number(2);
  if (day < 0) return std::nullopt;
  const std::chrono::year_month_day date(std::chrono::year(year),
                                         std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day)));
  if (!date.ok()) return std::nullopt;
  return std::chrono::sys_days(date);
}

// Microseconds; nothing where there is a point without a digit.
std::optional<int> read_fraction(Reader& reader) {
  if (!reader.skip(".")) return 0;
  int fraction = 0, digits = 0;
  for (int digit = reader.number(1); digit >= 0; digit = reader.number(1)) {
    if (digits < kFractionDigits) fraction = fraction * 10 + digit;
    ++digits;
  }
  if (digits == 0) return std::nullopt;
  for (; digits < kFractionDigits; ++digits) fraction *= 10;
  return fraction;
}

std::optional<std::int64_t> read_clock(Reader& reader) {
  const int hours = reader.number(2);
  if (hours < 0 || hours > 23 || !reader.skip(":")) return std::nullopt;
  const int minutes = reader.number(2);
  if (minutes < 0 || minutes > 59 || !reader.skip(":")) return std::nullopt;
  const int seconds = reader.number(2);
  if (seconds < 0 || seconds > 59) return std::nullopt;
  const auto fraction = read_fraction(reader);
  if (!fraction) return std::nullopt;
  return (hours * 3600 + minutes * 60 + seconds) * std::int64_t{1'000'000} + *fraction;
}

// Seconds east of Greenwich.
std::optional<int> read_zone(Reader& reader) {
  if (reader.skip("Zz")) return 0;
  const int sign = reader.front() == '-' ? -1 : 1;
  if (!reader.skip("+-")) return std::nullopt;
  const int hours = reader.number(2);
  reader.skip(":");
  const int minutes = reader.number(2);
  if (hours < 0 || hours > 18 || minutes < 0 || minutes > 59) return std::nullopt;
  return sign * (hours * 3600 + minutes * 60);
}

}  // namespace

std::optional<std::int64_t> parse_timestamp(std::string_view text) {
  Reader reader(text);
  const auto date = read_date(reader);
  if (!date || !reader.skip("Tt ")) return std::nullopt;
  const auto clock = read_clock(reader);
  if (!clock) return std::nullopt;
  const auto zone = read_zone(reader);
  if (!zone || !reader.is_at_end()) return std::nullopt;
  const std::chrono::microseconds day = date->time_since_epoch();
  return day.count() + *clock - *zone * std::int64_t{1'000'000};
}

std::string timestamp_text(std::int64_t seconds) {
  const std::chrono::sys_seconds time{std::chrono::seconds(seconds)};
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(time - day);
  char text[64];
  std::snprintf(text, sizeof text, "%04d-%02u-%02uT%02d:%02d:%02d.000Z",
                static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                static_cast<unsigned>(date.day()), static_cast<int>(clock.hours().count()),
                static_cast<int>(clock.minutes().count()),
                static_cast<int>(clock.seconds().count()));
  return text;
}

}  // namespace lakehouse::worker::sharing
