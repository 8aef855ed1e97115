// SPDX-License-Identifier: PostgreSQL
// Bits are moved through one integer, six at a time.
#include "core/base/base64.hpp"

#include <array>
#include <cstdint>

namespace lakehouse {
namespace {

constexpr std::string_view kBase64Digits =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr unsigned kDigitBits = 6, kByteBits = 8;
constexpr std::uint8_t kNoDigit = 0xFF;

using Values = std::array<std::uint8_t, 256>;

constexpr Values values_of(std::string_view digits) {
  Values values{};
  values.fill(kNoDigit);
  for (std::size_t i = 0; i < digits.size(); ++i) {
    values[static_cast<unsigned char>(digits[i])] = static_cast<std::uint8_t>(i);
  }
  return values;
}

constexpr Values kBase64Values = values_of(kBase64Digits);
constexpr Values kBase64urlValues = values_of(kBase64urlDigits);

void write(std::string_view bytes, std::string_view digits, char* out) noexcept {
  std::uint32_t bits = 0;
  unsigned held = 0;
  for (const char byte : bytes) {
    bits = (bits << kByteBits | static_cast<unsigned char>(byte)) & 0xFFFFU;
    for (held += kByteBits; held >= kDigitBits; held -= kDigitBits) {
      *out++ = digits[bits >> (held - kDigitBits) & 63U];
    }
  }
  if (held > 0) *out = digits[bits << (kDigitBits - held) & 63U];
}

// `text` has no padding. Bits that belong to no byte must be zero.
std::optional<std::string> read(std::string_view text, const Values& values) {
  if (text.size() % 4 == 1) return std::nullopt;
  std::string bytes;
  bytes.reserve(text.size() * 3 / 4);
  std::uint32_t bits = 0;
  unsigned held = 0;
  for (const char digit : text) {
    const std::uint8_t value = values[static_cast<unsigned char>(digit)];
    if (value == kNoDigit) return std::nullopt;
    bits = (bits << kDigitBits | value) & 0xFFFFU;
    held += kDigitBits;
    if (held < kByteBits) continue;
    held -= kByteBits;
    bytes.push_back(static_cast<char>(bits >> held & 0xFFU));
  }
  if ((bits & ((1U << held) - 1U)) != 0) return std::nullopt;
  return bytes;
}

}  // namespace

std::string to_base64(std::string_view bytes) {
  std::string text((bytes.size() + 2) / 3 * 4, '=');
  write(bytes, kBase64Digits, text.data());
  return text;
}

std::string to_base64url(std::string_view bytes) {
  std::string text(base64url_size(bytes.size()), '\0');
  write_base64url(bytes, text.data());
  return text;
}

void write_base64url(std::string_view bytes, char* out) noexcept {
  write(bytes, kBase64urlDigits, out);
}

std::optional<std::string> from_base64(std::string_view text) {
  if (text.size() % 4 != 0) return std::nullopt;
  const std::size_t padding = text.ends_with("==") ? 2 : text.ends_with('=') ? 1 : 0;
  text.remove_suffix(padding);
  return read(text, kBase64Values);
}

std::optional<std::string> from_base64url(std::string_view text) {
  return read(text, kBase64urlValues);
}

}  // namespace lakehouse
