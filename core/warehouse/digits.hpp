// SPDX-License-Identifier: PostgreSQL
// Decimal digits to a number, eight at a time. Results are mostly numbers, and from_chars goes
// digit by digit.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace lakehouse::warehouse {

// More digits might not fit into 64 bits.
inline constexpr std::size_t kMostDigits = 18;

namespace digits_detail {

static_assert(std::endian::native == std::endian::little);

constexpr std::uint64_t kZeros = 0x3030303030303030ULL;

inline bool are_digits(std::uint64_t word) noexcept {
  constexpr std::uint64_t kHighHalves = 0xF0F0F0F0F0F0F0F0ULL;
  return ((word & kHighHalves) | (((word + 0x0606060606060606ULL) & kHighHalves) >> 4U)) ==
         0x3333333333333333ULL;
}

// The first character stands in the lowest byte. Neighbours are joined: digits to pairs, pairs to
// fours, fours to the number.
constexpr std::uint64_t number_of(std::uint64_t word) noexcept {
  word = ((word & 0x0F0F0F0F0F0F0F0FULL) * 2561U) >> 8U;
  word = ((word & 0x00FF00FF00FF00FFULL) * 6553601U) >> 16U;
  return ((word & 0x0000FFFF0000FFFFULL) * 42949672960001ULL) >> 32U;
}

inline std::uint64_t load(const char* text) noexcept {
  std::uint64_t word = 0;
  std::memcpy(&word, text, sizeof(word));
  return word;
}

// The first `count` (1 to 8) characters, with zero digits before them. Never reads beyond `size`.
inline std::uint64_t load_first(const char* text, std::size_t size, std::size_t count) noexcept {
  std::uint64_t word = 0;
  if (size >= sizeof(word)) {
    word = load(text);
  } else if (count >= 4) {
    std::uint32_t first = 0;
    std::uint32_t last = 0;
    std::memcpy(&first, text, sizeof(first));
    std::memcpy(&last, text + count - sizeof(last), sizeof(last));
    word = first | std::uint64_t{last} << (8U * (count - sizeof(last)));
  } else {
    const auto byte = [&](std::size_t i) {
      return std::uint64_t{static_cast<unsigned char>(text[i])} << (8U * i);
    };
    word = byte(0) | byte(count / 2) | byte(count - 1);
  }
  if (count == sizeof(word)) return word;
  return word << (8U * (sizeof(word) - count)) | kZeros >> (8U * count);
}

}  // namespace digits_detail

// Reads 1 to kMostDigits digits and nothing else; false for any other text.
inline bool read_digits(std::string_view text, std::uint64_t& value) noexcept {
  using digits_detail::are_digits;
  using digits_detail::number_of;
  if (text.empty() || text.size() > kMostDigits) return false;
  const std::size_t head = (text.size() - 1) % 8 + 1;
  std::uint64_t word = digits_detail::load_first(text.data(), text.size(), head);
  if (!are_digits(word)) return false;
  value = number_of(word);
  for (std::size_t i = head; i < text.size(); i += 8) {
    word = digits_detail::load(text.data() + i);
    if (!are_digits(word)) return false;
    value = value * 100'000'000 + number_of(word);
  }
  return true;
}

}  // namespace lakehouse::warehouse
