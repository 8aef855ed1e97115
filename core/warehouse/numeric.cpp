// SPDX-License-Identifier: PostgreSQL
// Text → decimal digits and the place of the point → rounding → base 10000 → header.
#include "core/warehouse/numeric.hpp"

#include <array>
#include <charconv>
#include <cstdint>
#include <cstring>
#include <string>

#include "core/warehouse/digits.hpp"

namespace lakehouse::warehouse {
namespace {

// Header words and limits of numeric.c.
constexpr std::uint16_t kNan = 0xC000;
constexpr std::uint16_t kPlusInfinity = 0xD000;
constexpr std::uint16_t kMinusInfinity = 0xF000;
constexpr std::uint16_t kShort = 0x8000;
constexpr std::uint16_t kShortNegative = 0x2000;
constexpr std::uint16_t kShortWeightNegative = 0x0040;
constexpr std::uint16_t kShortWeightMask = 0x003F;
constexpr int kShortScaleShift = 7;
constexpr int kShortMaxScale = 0x3F;
constexpr int kShortMaxWeight = 63;
constexpr int kShortMinWeight = -64;
constexpr std::uint16_t kLongNegative = 0x4000;
constexpr std::int64_t kMaxScale = 0x3FFF;
constexpr std::int64_t kMaxWeight = 0x7FFF;
constexpr std::int64_t kMinWeight = -0x8000;

// Room for a carry and for the zeros that complete the first and the last base 10000 digit.
constexpr std::size_t kMargin = 8;

// Digits d0 d1 d2 …, value 0.d0d1d2… × 10^point. They stand in a buffer with kMargin zeros around
// them.
struct Decimal {
  char* digits = nullptr;
  std::int64_t count = 0;
  std::int64_t point = 0;
  std::int64_t scale = 0;
  bool is_negative = false;
};

void put_word(char*& out, std::uint16_t word) {
  std::memcpy(out, &word, sizeof(word));
  out += sizeof(word);
}

std::uint16_t short_header(bool is_negative, int scale, int weight) {
  return static_cast<std::uint16_t>(kShort | (is_negative ? kShortNegative : 0) |
                                    (scale << kShortScaleShift) |
                                    (weight < 0 ? kShortWeightNegative : 0) |
                                    (static_cast<std::uint16_t>(weight) & kShortWeightMask));
}

bool is_one_of(std::string_view text, std::string_view first, std::string_view second) {
  const auto matches = [&](std::string_view word) {
    if (text.size() != word.size()) return false;
    for (std::size_t i = 0; i < word.size(); ++i) {
      if ((text[i] | 0x20) != word[i]) return false;
    }
    return true;
  };
  return matches(first) || matches(second);
}

CellFault encode_special(std::string_view text, bool is_negative, int precision, char* out,
                         std::size_t& size) {
  size = sizeof(std::uint16_t);
  if (is_one_of(text, "nan", "nan") && !is_negative) return put_word(out, kNan), CellFault::kNone;
  if (!is_one_of(text, "infinity", "inf")) return CellFault::kUnreadable;
  if (precision > 0) return CellFault::kOutOfRange;
  put_word(out, is_negative ? kMinusInfinity : kPlusInfinity);
  return CellFault::kNone;
}

// The exponent's number; far beyond any range it stays far beyond.
bool read_exponent(std::string_view text, std::int64_t& exponent) {
  if (text.size() > 1 && text[0] == '+' && text[1] != '-') text.remove_prefix(1);
  if (text.empty() || (text[0] == '-' && text.size() == 1)) return false;
  for (std::size_t i = text[0] == '-' ? 1 : 0; i < text.size(); ++i) {
    if (text[i] < '0' || text[i] > '9') return false;
  }
  constexpr std::int64_t kBeyond = 1'000'000;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), exponent);
  if (error == std::errc::result_out_of_range) exponent = text[0] == '-' ? -kBeyond : kBeyond;
  exponent = std::min(std::max(exponent, -kBeyond), kBeyond);
  return true;
}

// Copies the digits without the point. False if the text is no decimal number.
bool copy_digits(std::string_view text, Decimal& decimal) {
  char* out = decimal.digits;
  const char* at = text.data();
  const char* const end = at + text.size();
  while (at != end && *at >= '0' && *at <= '9') *out++ = *at++;
  decimal.point = out - decimal.digits;
  if (at != end && *at == '.') {
    ++at;
    while (at != end && *at >= '0' && *at <= '9') *out++ = *at++;
  }
  decimal.count = out - decimal.digits;
  if (decimal.count == 0) return false;
  std::memset(out, '0', kMargin);
  std::int64_t exponent = 0;
  if (at != end) {
    if ((*at | 0x20) != 'e') return false;
    ++at;
    if (!read_exponent({at, static_cast<std::size_t>(end - at)}, exponent)) return false;
  }
  decimal.scale = std::max<std::int64_t>(0, decimal.count - decimal.point - exponent);
  decimal.point += exponent;
  return true;
}

void strip_leading_zeros(Decimal& decimal) {
  while (decimal.count > 0 && *decimal.digits == '0') {
    ++decimal.digits;
    --decimal.count;
    --decimal.point;
  }
}

// Half away from zero, to `scale` digits behind the point (negative: before it).
void round_to(Decimal& decimal, std::int64_t scale) {
  const std::int64_t kept = decimal.point + scale;
  if (kept >= decimal.count) return;
  if (kept < 0) {
    decimal.count = 0;
    return;
  }
  const bool rounds_up = decimal.digits[kept] >= '5';
  std::memset(decimal.digits + kept, '0',
              static_cast<std::size_t>(std::min<std::int64_t>(decimal.count - kept, kMargin)));
  decimal.count = kept;
  if (!rounds_up) return;
  std::int64_t i = kept - 1;
  while (i >= 0 && decimal.digits[i] == '9') decimal.digits[i--] = '0';
  if (i >= 0) {
    ++decimal.digits[i];
    return;
  }
  *--decimal.digits = '1';  // the margin has room for the carry
  ++decimal.count;
  ++decimal.point;
}

std::int64_t floor_divide_by_four(std::int64_t number) { return number >> 2; }

CellFault write(Decimal decimal, char* out, std::size_t& size) {
  char* const start = out;
  while (decimal.count > 0 && decimal.digits[decimal.count - 1] == '0') --decimal.count;
  std::int64_t weight = 0;
  std::int64_t groups = 0;
  if (decimal.count > 0) {
    weight = floor_divide_by_four(decimal.point - 1);
    const std::int64_t padding = (weight + 1) * 4 - decimal.point;  // zeros before the first digit
    decimal.digits -= padding;
    std::memset(decimal.digits, '0', static_cast<std::size_t>(padding));
    groups = (padding + decimal.count + 3) / 4;
  } else {
    decimal.is_negative = false;
  }
  if (weight > kMaxWeight || weight < kMinWeight || decimal.scale > kMaxScale)
    return CellFault::kOutOfRange;
  if (decimal.scale <= kShortMaxScale && weight <= kShortMaxWeight && weight >= kShortMinWeight) {
    put_word(out, short_header(decimal.is_negative, static_cast<int>(decimal.scale),
                               static_cast<int>(weight)));
  } else {
    put_word(out,
             static_cast<std::uint16_t>((decimal.is_negative ? kLongNegative : 0) | decimal.scale));
    put_word(out, static_cast<std::uint16_t>(weight));
  }
  for (const char* group = decimal.digits; groups > 0; --groups, group += 4) {
    put_word(out, static_cast<std::uint16_t>((group[0] - '0') * 1000 + (group[1] - '0') * 100 +
                                             (group[2] - '0') * 10 + (group[3] - '0')));
  }
  size = static_cast<std::size_t>(out - start);
  return CellFault::kNone;
}

CellFault encode_decimal(std::string_view text, bool is_negative, int precision, int scale,
                         char* digits, char* out, std::size_t& size) {
  Decimal decimal;
  decimal.digits = digits;
  decimal.is_negative = is_negative;
  if (!copy_digits(text, decimal)) return CellFault::kUnreadable;
  strip_leading_zeros(decimal);
  if (precision > 0) {
    round_to(decimal, scale);
    strip_leading_zeros(decimal);
    if (decimal.count > 0 && decimal.point > precision - scale) return CellFault::kOutOfRange;
    decimal.scale = std::max(scale, 0);
  }
  return write(decimal, out, size);
}

constexpr std::array<std::uint64_t, kMostDigits + 1> make_powers_of_ten() {
  std::array<std::uint64_t, kMostDigits + 1> powers{};
  std::uint64_t power = 1;
  for (std::uint64_t& slot : powers) {
    slot = power;
    power *= 10;
  }
  return powers;
}
constexpr auto kPowersOfTen = make_powers_of_ten();

// Base 10000 digits of a number below 10^(4 * groups), the last one at out[groups - 1]; the others
// stay as they are.
void put_groups(std::uint64_t number, std::size_t groups, std::uint16_t* out) {
  while (number > 0) {
    out[--groups] = static_cast<std::uint16_t>(number % 10'000);
    number /= 10'000;
  }
}

// The plain form of numeric(p,s): exactly s digits behind the point, so that neither the point has
// to be looked for nor anything rounded. False for every other text and every fault:
// encode_decimal() has the word then.
bool encode_usual(std::string_view text, bool is_negative, int precision, int scale, char* out,
                  std::size_t& size) {
  constexpr int kMostScale = 16;
  if (scale < 0 || scale > kMostScale || precision <= scale ||
      precision - scale > static_cast<int>(kMostDigits)) {
    return false;
  }
  const std::size_t tail = scale == 0 ? 0 : static_cast<std::size_t>(scale) + 1;
  if (text.size() <= tail) return false;
  const std::size_t whole_size = text.size() - tail;
  std::uint64_t whole = 0;
  std::uint64_t fraction = 0;
  if (!read_digits(text.substr(0, whole_size), whole)) return false;
  if (scale > 0) {
    if (text[whole_size] != '.' || !read_digits(text.substr(whole_size + 1), fraction))
      return false;
  }
  if (whole >= kPowersOfTen[static_cast<std::size_t>(precision - scale)]) return false;

  constexpr std::size_t kWholeGroups = 5;
  const std::size_t fraction_groups = (static_cast<std::size_t>(scale) + 3) / 4;
  std::array<std::uint16_t, kWholeGroups + kMostScale / 4> groups{};
  put_groups(whole, kWholeGroups, groups.data());
  const std::size_t missing = fraction_groups * 4 - static_cast<std::size_t>(scale);
  put_groups(fraction * kPowersOfTen[missing], fraction_groups, groups.data() + kWholeGroups);

  std::size_t first = 0;
  std::size_t end = kWholeGroups + fraction_groups;
  while (first < end && groups[first] == 0) ++first;
  while (end > first && groups[end - 1] == 0) --end;
  const bool is_zero = first == end;
  const int weight = is_zero ? 0 : static_cast<int>(kWholeGroups) - 1 - static_cast<int>(first);
  const std::size_t group_bytes = (end - first) * sizeof(std::uint16_t);
  put_word(out, short_header(is_negative && !is_zero, scale, weight));
  std::memcpy(out, groups.data() + first, group_bytes);
  size = sizeof(std::uint16_t) + group_bytes;
  return true;
}

}  // namespace

CellFault encode_numeric(std::string_view text, int precision, int scale, char* out,
                         std::size_t& size) {
  bool is_negative = false;
  if (!text.empty() && (text.front() == '-' || text.front() == '+')) {
    is_negative = text.front() == '-';
    text.remove_prefix(1);
  }
  if (text.empty()) return CellFault::kUnreadable;
  if (encode_usual(text, is_negative, precision, scale, out, size)) return CellFault::kNone;
  if (text.front() > '9') return encode_special(text, is_negative, precision, out, size);
  constexpr std::size_t kUsualDigits = 112;
  if (text.size() <= kUsualDigits) {
    std::array<char, kUsualDigits + 2 * kMargin> room;  // NOLINT: every byte read is written before
    std::memset(room.data(), '0', kMargin);
    return encode_decimal(text, is_negative, precision, scale, room.data() + kMargin, out, size);
  }
  std::string room(text.size() + 2 * kMargin, '0');
  return encode_decimal(text, is_negative, precision, scale, room.data() + kMargin, out, size);
}

}  // namespace lakehouse::warehouse
