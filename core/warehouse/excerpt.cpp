// SPDX-License-Identifier: PostgreSQL
// One pass over the text, a character at a time.
#include "core/warehouse/excerpt.hpp"

#include <algorithm>

namespace lakehouse::warehouse {
namespace {

// Bytes of the well-formed UTF-8 character at the front, 0 if it is none (Unicode 15, table 3-7).
std::size_t character_size(std::string_view text) {
  const auto byte = [&](std::size_t i) -> unsigned { return static_cast<unsigned char>(text[i]); };
  const unsigned first = byte(0);
  if (first < 0x80) return 1;
  const std::size_t size = first >= 0xF0 && first <= 0xF4 ? 4
                           : first >= 0xE0                ? 3
                           : first >= 0xC2                ? 2
                                                          : 0;
  if (size == 0 || first > 0xF4 || text.size() < size) return 0;
  for (std::size_t i = 1; i < size; ++i) {
    if ((byte(i) & 0xC0U) != 0x80U) return 0;
  }
  const unsigned second = byte(1);
  if ((first == 0xE0 && second < 0xA0) || (first == 0xED && second > 0x9F)) return 0;
  if ((first == 0xF0 && second < 0x90) || (first == 0xF4 && second > 0x8F)) return 0;
  return size;
}

}  // namespace

std::string excerpt(std::string_view text, std::size_t max_bytes) {
  constexpr std::string_view kEllipsis = "...";
  const bool is_cut = text.size() > max_bytes;
  const std::size_t room = is_cut ? max_bytes - std::min(max_bytes, kEllipsis.size()) : max_bytes;
  std::string result;
  while (!text.empty()) {
    const std::size_t size = character_size(text);
    if (result.size() + std::max<std::size_t>(size, 1) > room) break;
    const bool is_control =
        size == 1 && (static_cast<unsigned char>(text[0]) < 0x20 || text[0] == 0x7F);
    if (size == 0 || is_control) {
      result += ' ';
      text.remove_prefix(1);
    } else {
      result += text.substr(0, size);
      text.remove_prefix(size);
    }
  }
  if (is_cut) result += kEllipsis;
  return result;
}

std::string quoted_excerpt(std::string_view text) { return '"' + excerpt(text, 64) + '"'; }

}  // namespace lakehouse::warehouse
