// SPDX-License-Identifier: PostgreSQL
// First the wrapping (INTERVAL '…' UNIT), then the fields from the first to the last that the unit
// names.
#include "core/warehouse/interval.hpp"

#include <array>
#include <limits>
#include <optional>

namespace lakehouse::warehouse {
namespace {

enum class Field : std::uint8_t { kYear, kMonth, kDay, kHour, kMinute, kSecond };

struct FieldRange {
  Field first;
  Field last;
};

// What a text says about itself: sign, the digits between the quotes, the words behind them.
struct Parts {
  bool is_negative = false;
  std::string_view value;
  std::string_view unit;
};

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

char upper(char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 0x20) : c; }

// Takes `word` (upper case) off the front, in any case.
bool take_word(std::string_view& text, std::string_view word) {
  if (text.size() < word.size()) return false;
  for (std::size_t i = 0; i < word.size(); ++i) {
    if (upper(text[i]) != word[i]) return false;
  }
  text = trimmed(text.substr(word.size()));
  return true;
}

bool take_sign(std::string_view& text) {
  if (text.empty() || (text.front() != '-' && text.front() != '+')) return false;
  const bool is_negative = text.front() == '-';
  text = trimmed(text.substr(1));
  return is_negative;
}

// Splits INTERVAL -'…' UNIT or the bare text; nothing if the quotes don't close.
std::optional<Parts> split(std::string_view text) {
  Parts parts;
  text = trimmed(text);
  take_word(text, "INTERVAL");
  parts.is_negative = take_sign(text);
  if (!text.empty() && text.front() == '\'') {
    const std::size_t end = text.find('\'', 1);
    if (end == std::string_view::npos) return std::nullopt;
    parts.unit = trimmed(text.substr(end + 1));
    text = trimmed(text.substr(1, end - 1));
    if (take_sign(text)) parts.is_negative = !parts.is_negative;
  } else if (const std::size_t letter = text.find_first_not_of("0123456789.:- ");
             letter != std::string_view::npos) {
    parts.unit = text.substr(letter);
    text = trimmed(text.substr(0, letter));
  }
  parts.value = text;
  return parts;
}

std::optional<Field> take_field(std::string_view& words) {
  constexpr std::array<std::string_view, 6> kNames = {"YEAR", "MONTH",  "DAY",
                                                      "HOUR", "MINUTE", "SECOND"};
  for (std::size_t i = 0; i < kNames.size(); ++i) {
    if (!take_word(words, kNames[i])) continue;
    take_word(words, "S");
    return static_cast<Field>(i);
  }
  return std::nullopt;
}

// "DAY TO SECOND" or "DAY".
std::optional<FieldRange> range_of(std::string_view words) {
  words = trimmed(words);
  take_word(words, "INTERVAL");
  const std::optional<Field> first = take_field(words);
  if (!first) return std::nullopt;
  if (words.empty()) return FieldRange{*first, *first};
  if (!take_word(words, "TO")) return std::nullopt;
  const std::optional<Field> last = take_field(words);
  if (!last || !words.empty() || *last < *first) return std::nullopt;
  if ((*first <= Field::kMonth) != (*last <= Field::kMonth)) return std::nullopt;
  return FieldRange{*first, *last};
}

// What the form alone says: 1-2 has years and months, 1 02:03:04 days to seconds, 02:03:04 hours to
// seconds.
std::optional<FieldRange> guess_range(std::string_view value) {
  if (value.find('-') != std::string_view::npos) return FieldRange{Field::kYear, Field::kMonth};
  const bool has_days = value.find(' ') != std::string_view::npos;
  const std::size_t colon = value.find(':');
  const bool has_seconds =
      colon != std::string_view::npos && value.find(':', colon + 1) != std::string_view::npos;
  if (!has_seconds) return std::nullopt;
  return FieldRange{has_days ? Field::kDay : Field::kHour, Field::kSecond};
}

bool take_number(std::string_view& text, std::int64_t& number) {
  std::size_t count = 0;
  number = 0;
  while (count < text.size() && text[count] >= '0' && text[count] <= '9') {
    if (__builtin_mul_overflow(number, 10, &number) ||
        __builtin_add_overflow(number, text[count] - '0', &number)) {
      return false;
    }
    ++count;
  }
  text.remove_prefix(count);
  return count > 0;
}

// Up to nine digits behind the seconds' point; those past the sixth are dropped.
bool take_fraction(std::string_view& text, std::int64_t& micros) {
  micros = 0;
  if (text.empty() || text.front() != '.') return true;
  text.remove_prefix(1);
  const std::size_t before = text.size();
  std::int64_t fraction = 0;
  if (!take_number(text, fraction)) return false;
  std::size_t digits = before - text.size();
  if (digits > 9) return false;
  for (; digits < 6; ++digits) fraction *= 10;
  for (; digits > 6; --digits) fraction /= 10;
  micros = fraction;
  return true;
}

// Adds one field's number, negated if the whole value is.
bool add_field(Field field, std::int64_t number, std::int64_t& months, std::int64_t& days,
               std::int64_t& micros) {
  constexpr std::array<std::int64_t, 6> kScale = {12, 1, 1, 3'600'000'000, 60'000'000, 1'000'000};
  std::int64_t scaled = 0;
  if (__builtin_mul_overflow(number, kScale[static_cast<std::size_t>(field)], &scaled))
    return false;
  std::int64_t& target = field <= Field::kMonth ? months : field == Field::kDay ? days : micros;
  return !__builtin_add_overflow(target, scaled, &target);
}

char separator_before(Field field) {
  if (field == Field::kMonth) return '-';
  return field == Field::kHour ? ' ' : ':';
}

CellFault read_fields(std::string_view value, FieldRange range, bool is_negative,
                      wire::Interval& interval) {
  std::int64_t months = 0;
  std::int64_t days = 0;
  std::int64_t micros = 0;
  const std::int64_t sign = is_negative ? -1 : 1;
  for (auto i = static_cast<int>(range.first); i <= static_cast<int>(range.last); ++i) {
    const auto field = static_cast<Field>(i);
    if (field != range.first) {
      if (value.empty() || value.front() != separator_before(field)) return CellFault::kUnreadable;
      value.remove_prefix(1);
    }
    std::int64_t number = 0;
    if (value.empty() || value.front() < '0' || value.front() > '9') return CellFault::kUnreadable;
    if (!take_number(value, number)) return CellFault::kOutOfRange;
    if (!add_field(field, sign * number, months, days, micros)) return CellFault::kOutOfRange;
  }
  std::int64_t fraction = 0;
  if (range.last == Field::kSecond && !take_fraction(value, fraction))
    return CellFault::kUnreadable;
  if (!value.empty()) return CellFault::kUnreadable;
  if (__builtin_add_overflow(micros, sign * fraction, &micros)) return CellFault::kOutOfRange;
  constexpr std::int64_t kMost = std::numeric_limits<std::int32_t>::max();
  if (months > kMost || months < -kMost - 1 || days > kMost || days < -kMost - 1)
    return CellFault::kOutOfRange;
  interval = {micros, static_cast<std::int32_t>(days), static_cast<std::int32_t>(months)};
  return CellFault::kNone;
}

}  // namespace

CellFault read_interval(std::string_view text, std::string_view unit, wire::Interval& interval) {
  const std::optional<Parts> parts = split(text);
  if (!parts || parts->value.empty()) return CellFault::kUnreadable;
  std::optional<FieldRange> range;
  if (!parts->unit.empty()) {
    range = range_of(parts->unit);
  } else if (!unit.empty()) {
    range = range_of(unit);
    if (!range) range = guess_range(parts->value);
  } else {
    range = guess_range(parts->value);
  }
  if (!range) return CellFault::kUnreadable;
  return read_fields(parts->value, *range, parts->is_negative, interval);
}

}  // namespace lakehouse::warehouse
