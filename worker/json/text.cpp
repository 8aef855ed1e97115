// SPDX-License-Identifier: PostgreSQL
// JSON string escapes, and the check that what is copied through is well-formed UTF-8 (RFC 3629).
#include "worker/json/text.hpp"

#include <cstddef>
#include <cstdint>

namespace lakehouse::worker::json {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

bool is_continuation(unsigned char byte) { return (byte & 0xC0U) == 0x80U; }

// Length of the character that `text` begins with; 0 if there is none (overlong forms and
// surrogates too).
std::size_t character_bytes(std::string_view text) {
  const auto at = [text](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = at(0);
  if (lead < 0x80) return 1;
  const std::size_t bytes = lead >= 0xF0 && lead <= 0xF4   ? 4
                            : lead >= 0xE0 && lead <= 0xEF ? 3
                            : lead >= 0xC2 && lead <= 0xDF ? 2
                                                           : 0;
  if (bytes == 0 || text.size() < bytes) return 0;
  for (std::size_t i = 1; i < bytes; ++i) {
    if (!is_continuation(at(i))) return 0;
  }
  const unsigned char second = at(1);
  const bool is_overlong = (lead == 0xE0 && second < 0xA0) || (lead == 0xF0 && second < 0x90);
  const bool is_beyond = (lead == 0xED && second > 0x9F) || (lead == 0xF4 && second > 0x8F);
  return is_overlong || is_beyond ? 0 : bytes;
}

// Moves the character that `text` begins with, or a replacement for one byte, to `out`.
void append_character(std::string& out, std::string_view& text) {
  const std::size_t bytes = character_bytes(text);
  out += bytes == 0 ? kReplacement : text.substr(0, bytes);
  text.remove_prefix(bytes == 0 ? 1 : bytes);
}

void append_ascii(std::string& out, char c) {
  constexpr std::string_view kHex = "0123456789abcdef";
  switch (c) {
    case '"':
      out += "\\\"";
      return;
    case '\\':
      out += "\\\\";
      return;
    case '\n':
      out += "\\n";
      return;
    case '\r':
      out += "\\r";
      return;
    case '\t':
      out += "\\t";
      return;
    default:
      break;
  }
  const auto byte = static_cast<std::uint8_t>(c);
  if (byte >= 0x20 && byte != 0x7F) {
    out.push_back(c);
    return;
  }
  out += "\\u00";
  out.push_back(kHex[byte >> 4U]);
  out.push_back(kHex[byte & 0x0FU]);
}

}  // namespace

void append_quoted(std::string& out, std::string_view text) {
  out.push_back('"');
  while (!text.empty()) {
    if (static_cast<unsigned char>(text[0]) < 0x80) {
      append_ascii(out, text[0]);
      text.remove_prefix(1);
      continue;
    }
    append_character(out, text);
  }
  out.push_back('"');
}

std::string well_formed(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) append_character(out, text);
  return out;
}

bool is_well_formed(std::string_view text) {
  while (!text.empty()) {
    const std::size_t bytes = character_bytes(text);
    if (bytes == 0) return false;
    text.remove_prefix(bytes);
  }
  return true;
}

std::string quoted(std::string_view text) {
  std::string out;
  append_quoted(out, text);
  return out;
}

}  // namespace lakehouse::worker::json
