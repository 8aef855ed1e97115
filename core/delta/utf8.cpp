// SPDX-License-Identifier: PostgreSQL
// The order of well-formed UTF-8 by bytes is that of its code points, so a successor is made by
// raising the last code point that can be raised.
#include "core/delta/utf8.hpp"

#include <cstdint>

namespace lakehouse::delta {
namespace {

constexpr char32_t kLast = 0x10FFFF;
constexpr char32_t kBeforeSurrogates = 0xD7FF;
constexpr char32_t kAfterSurrogates = 0xE000;

bool is_continuation(char c) { return (static_cast<unsigned char>(c) & 0xC0U) == 0x80U; }

// The bytes of the character that a lead byte begins; 0: it can't begin one.
std::size_t bytes_of(unsigned char lead) {
  if (lead < 0x80) return 1;
  if (lead < 0xC2) return 0;
  if (lead < 0xE0) return 2;
  if (lead < 0xF0) return 3;
  return lead < 0xF5 ? 4 : 0;
}

char32_t decode(std::string_view character) {
  constexpr unsigned char kLeadBits[] = {0, 0x7F, 0x1F, 0x0F, 0x07};
  char32_t code = static_cast<unsigned char>(character[0]) & kLeadBits[character.size()];
  for (const char c : character.substr(1))
    code = (code << 6U) | (static_cast<unsigned char>(c) & 0x3FU);
  return code;
}

void append(std::string& text, char32_t code) {
  const auto tail = [code](unsigned shift) {
    return static_cast<char>(0x80U | ((code >> shift) & 0x3FU));
  };
  if (code < 0x80) {
    text += static_cast<char>(code);
  } else if (code < 0x800) {
    text += {static_cast<char>(0xC0U | (code >> 6U)), tail(0)};
  } else if (code < 0x10000) {
    text += {static_cast<char>(0xE0U | (code >> 12U)), tail(6), tail(0)};
  } else {
    text += {static_cast<char>(0xF0U | (code >> 18U)), tail(12), tail(6), tail(0)};
  }
}

bool is_character(std::string_view character) {
  for (const char c : character.substr(1)) {
    if (!is_continuation(c)) return false;
  }
  const char32_t code = decode(character);
  constexpr char32_t kLeast[] = {0, 0, 0x80, 0x800, 0x10000};
  return code >= kLeast[character.size()] && code <= kLast &&
         (code <= kBeforeSurrogates || code >= kAfterSurrogates);
}

}  // namespace

bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    const std::size_t bytes = bytes_of(static_cast<unsigned char>(text[0]));
    if (bytes == 1) {
      text.remove_prefix(1);
      continue;
    }
    if (bytes == 0 || bytes > text.size() || !is_character(text.substr(0, bytes))) return false;
    text.remove_prefix(bytes);
  }
  return true;
}

std::string_view utf8_prefix(std::string_view text, std::size_t characters) {
  std::size_t end = 0;
  while (end < text.size()) {
    if (!is_continuation(text[end]) && characters-- == 0) break;
    ++end;
  }
  return text.substr(0, end);
}

std::optional<std::string> utf8_successor(std::string_view prefix) {
  while (!prefix.empty()) {
    std::size_t last = prefix.size() - 1;
    while (last > 0 && is_continuation(prefix[last])) --last;
    const char32_t code = decode(prefix.substr(last));
    prefix = prefix.substr(0, last);
    if (code == kLast) continue;
    std::string text(prefix);
    append(text, code == kBeforeSurrogates ? kAfterSurrogates : code + 1);
    return text;
  }
  return std::nullopt;
}

}  // namespace lakehouse::delta
