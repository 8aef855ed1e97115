// SPDX-License-Identifier: PostgreSQL
// Source: numeric_send() in src/backend/utils/adt/numeric.c: number of digits, weight of the first
// (in powers of 10,000), sign, display scale, the digits; 16 bits each.
#include "worker/publish/numeric.hpp"

#include <array>
#include <cstddef>

namespace lakehouse::worker::publish {
namespace {

using delta::Int128;

constexpr std::size_t kWord = 2;
constexpr std::size_t kHeaderWords = 4;
constexpr int kDigitsPerWord = 4;
constexpr std::uint16_t kPositive = 0x0000, kNegative = 0x4000, kNaN = 0xC000;
constexpr std::array<int, 5> kPowers = {1, 10, 100, 1'000, 10'000};
constexpr int kMostDigits = 38;

constexpr Int128 power_of_ten(int exponent) {
  Int128 power = 1;
  while (exponent-- > 0) power *= 10;
  return power;
}
constexpr Int128 kLimit = power_of_ten(kMostDigits);

std::uint16_t word_at(std::string_view bytes, std::size_t place) {
  const auto high = static_cast<unsigned char>(bytes[place * kWord]);
  const auto low = static_cast<unsigned char>(bytes[place * kWord + 1]);
  return static_cast<std::uint16_t>((high << 8U) | low);
}

Error range_error(const char* what) { return {ErrorCode::kValueOutOfRange, what, "", ""}; }

// Multiplies by 10^exponent and adds. False: too large.
bool shift(Int128& value, int exponent, int addend) {
  for (; exponent > 0; --exponent) {
    if (value >= kLimit / 10) return false;
    value *= 10;
  }
  value += addend;
  return value < kLimit;
}

}  // namespace

Result<Int128> unscaled_numeric(std::string_view bytes, int scale) {
  if (bytes.size() < kHeaderWords * kWord || bytes.size() % kWord != 0) {
    return Error{ErrorCode::kInternal, "unexpected value from the database", "", ""};
  }
  const std::size_t count = word_at(bytes, 0);
  const auto weight = static_cast<std::int16_t>(word_at(bytes, 1));
  const std::uint16_t sign = word_at(bytes, 2);
  if (sign == kNaN) return range_error("a Delta table can't hold NaN in a decimal");
  if (sign != kPositive && sign != kNegative) {
    return range_error("a Delta table can't hold infinity in a decimal");
  }
  if (bytes.size() != (kHeaderWords + count) * kWord) {
    return Error{ErrorCode::kInternal, "unexpected value from the database", "", ""};
  }
  Int128 value = 0;
  int left = (weight + 1) * kDigitsPerWord + scale;  // decimal digits up to the scale
  for (std::size_t i = 0; i < count; ++i) {
    const int digits = word_at(bytes, kHeaderWords + i);
    const int taken = left >= kDigitsPerWord ? kDigitsPerWord : (left > 0 ? left : 0);
    const int divisor = kPowers[static_cast<std::size_t>(kDigitsPerWord - taken)];
    if (digits % divisor != 0) return range_error("decimal has more digits than its type");
    // As one step where it surely fits: this runs for every value.
    if (value < kLimit / 10'000) {
      value = value * kPowers[static_cast<std::size_t>(taken)] + digits / divisor;
    } else if (!shift(value, taken, digits / divisor)) {
      return range_error("decimal has more digits than its type");
    }
    left -= kDigitsPerWord;
  }
  if (left > 0 && !shift(value, left, 0)) {
    return range_error("decimal has more digits than its type");
  }
  return sign == kNegative ? -value : value;
}

}  // namespace lakehouse::worker::publish
