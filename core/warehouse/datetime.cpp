// SPDX-License-Identifier: PostgreSQL
// A cursor over the text and the arithmetic of the calendar.
#include "core/warehouse/datetime.hpp"

#include <charconv>

#include "core/warehouse/digits.hpp"

namespace lakehouse::warehouse {
namespace {

constexpr std::int64_t kMicrosPerSecond = 1'000'000;
constexpr std::int64_t kMicrosPerDay = 86'400 * kMicrosPerSecond;
// From 1970-01-01 to 2000-01-01, PostgreSQL's day zero.
constexpr std::int64_t kEpochDays = 10'957;
// PostgreSQL's limits (datatype/timestamp.h): from Julian day 0 to before 5874898-06-03 and
// 294277-01-01.
constexpr std::int64_t kFirstDay = -2'451'545;
constexpr std::int64_t kDateEnd = 2'147'483'494LL - 2'451'545LL;
constexpr std::int64_t kFirstMicro = -211'813'488'000'000'000LL;
constexpr std::int64_t kTimestampEnd = 9'223'371'331'200'000'000LL;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

class Cursor {
 public:
  explicit Cursor(std::string_view text) : at_(text.data()), end_(text.data() + text.size()) {}

  bool is_at_end() const { return at_ == end_; }
  char peek() const { return at_ == end_ ? '\0' : *at_; }
  bool take(char expected) {
    if (at_ == end_ || *at_ != expected) return false;
    ++at_;
    return true;
  }
  // Exactly two digits.
  bool take_pair(int& value) {
    if (end_ - at_ < 2 || !is_digit(at_[0]) || !is_digit(at_[1])) return false;
    value = (at_[0] - '0') * 10 + (at_[1] - '0');
    at_ += 2;
    return true;
  }
  // As many digits as there are; their number.
  int take_digits(std::int64_t& value, int most) {
    int count = 0;
    value = 0;
    while (count < most && at_ != end_ && is_digit(*at_)) {
      value = value * 10 + (*at_++ - '0');
      ++count;
    }
    return count;
  }

 private:
  const char* at_;
  const char* end_;
};

bool is_leap(std::int64_t year) { return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0); }

int days_in_month(std::int64_t year, int month) {
  constexpr int kDays[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  return month == 2 && is_leap(year) ? 29 : kDays[month - 1];
}

// Days since 2000-01-01. Counts from March, so that the leap day comes last, in eras of 400 years
// of equal length.
std::int64_t days_of(std::int64_t year, int month, int day) {
  if (month <= 2) --year;
  const std::int64_t era = (year >= 0 ? year : year - 399) / 400;
  const std::int64_t year_of_era = year - era * 400;
  const std::int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
  const std::int64_t day_of_era =
      year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
  constexpr std::int64_t kDaysToEra = 719'468 + kEpochDays;  // 0000-03-01 to 2000-01-01
  return era * 146'097 + day_of_era - kDaysToEra;
}

// Year, month and day; days since 2000-01-01 without a look at PostgreSQL's limits.
bool take_date(Cursor& cursor, std::int64_t& days) {
  const bool is_negative = cursor.take('-');
  if (!is_negative) cursor.take('+');
  std::int64_t year = 0;
  constexpr int kMostYearDigits = 9;
  if (cursor.take_digits(year, kMostYearDigits) < 4) return false;
  if (is_negative) year = -year;
  int month = 0;
  int day = 0;
  if (!cursor.take('-') || !cursor.take_pair(month) || !cursor.take('-') || !cursor.take_pair(day))
    return false;
  if (month < 1 || month > 12 || day < 1 || day > days_in_month(year, month)) return false;
  days = days_of(year, month, day);
  return true;
}

// The fraction after the point, in microseconds; up to nine digits, at least one.
bool take_fraction(Cursor& cursor, std::int64_t& micros) {
  std::int64_t fraction = 0;
  int digits = cursor.take_digits(fraction, 9);
  if (digits == 0) return false;
  for (; digits < 6; ++digits) fraction *= 10;
  for (; digits > 6; --digits) fraction /= 10;
  micros += fraction;
  return true;
}

// Hours and minutes, and mostly seconds and a fraction. Java leaves out seconds that are zero.
bool take_time(Cursor& cursor, std::int64_t& micros) {
  int hour = 0;
  int minute = 0;
  int second = 0;
  if (!cursor.take_pair(hour) || !cursor.take(':') || !cursor.take_pair(minute)) return false;
  micros = 0;
  if (cursor.take(':')) {
    if (!cursor.take_pair(second)) return false;
    if (cursor.take('.') && !take_fraction(cursor, micros)) return false;
  }
  if (hour > 23 || minute > 59 || second > 59) return false;
  micros += ((hour * 60LL + minute) * 60 + second) * kMicrosPerSecond;
  return true;
}

// Z, ±HH, ±HHMM, ±HH:MM, ±HH:MM:SS or nothing.
bool take_offset(Cursor& cursor, std::int64_t& seconds) {
  seconds = 0;
  if (cursor.is_at_end() || cursor.take('Z') || cursor.take('z')) return true;
  const bool is_west = cursor.take('-');
  if (!is_west && !cursor.take('+')) return false;
  int hours = 0;
  int minutes = 0;
  int rest = 0;
  if (!cursor.take_pair(hours)) return false;
  const bool has_colon = cursor.take(':');
  if (!cursor.is_at_end() || has_colon) {
    if (!cursor.take_pair(minutes)) return false;
    if (has_colon && cursor.take(':') && !cursor.take_pair(rest)) return false;
  }
  if (hours > 18 || minutes > 59 || rest > 59) return false;
  seconds = (hours * 60LL + minutes) * 60 + rest;
  if (is_west) seconds = -seconds;
  return true;
}

CellFault in_range(std::int64_t micros, std::int64_t& result) {
  if (micros < kFirstMicro || micros >= kTimestampEnd) return CellFault::kOutOfRange;
  result = micros;
  return CellFault::kNone;
}

CellFault from_unix_micros(std::int64_t micros, std::int64_t& result) {
  std::int64_t shifted = 0;
  if (__builtin_sub_overflow(micros, kEpochDays * kMicrosPerDay, &shifted))
    return CellFault::kOutOfRange;
  return in_range(shifted, result);
}

}  // namespace

CellFault read_date(std::string_view text, std::int32_t& result) {
  Cursor cursor(text);
  std::int64_t days = 0;
  if (!take_date(cursor, days) || !cursor.is_at_end()) return CellFault::kUnreadable;
  if (days < kFirstDay || days >= kDateEnd) return CellFault::kOutOfRange;
  result = static_cast<std::int32_t>(days);
  return CellFault::kNone;
}

CellFault read_timestamp(std::string_view text, std::int64_t& result) {
  std::uint64_t usual_micros = 0;
  if (read_digits(text, usual_micros)) {
    return from_unix_micros(static_cast<std::int64_t>(usual_micros), result);
  }
  std::int64_t unix_micros = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), unix_micros);
  if (end == text.data() + text.size() && !text.empty()) {
    if (error == std::errc{}) return from_unix_micros(unix_micros, result);
    return error == std::errc::result_out_of_range ? CellFault::kOutOfRange
                                                   : CellFault::kUnreadable;
  }
  Cursor cursor(text);
  std::int64_t days = 0;
  std::int64_t micros = 0;
  std::int64_t offset = 0;
  if (!take_date(cursor, days)) return CellFault::kUnreadable;
  if (!cursor.is_at_end()) {
    if (!cursor.take('T') && !cursor.take(' ')) return CellFault::kUnreadable;
    if (!take_time(cursor, micros) || !take_offset(cursor, offset)) return CellFault::kUnreadable;
    if (!cursor.is_at_end()) return CellFault::kUnreadable;
  }
  constexpr std::int64_t kSafeDays = 107'000'000;  // beyond any timestamp, yet far from overflow
  if (days < -kSafeDays || days > kSafeDays) return CellFault::kOutOfRange;
  std::int64_t total = 0;
  if (__builtin_mul_overflow(days, kMicrosPerDay, &total) ||
      __builtin_add_overflow(total, micros - offset * kMicrosPerSecond, &total)) {
    return CellFault::kOutOfRange;
  }
  return in_range(total, result);
}

}  // namespace lakehouse::warehouse
