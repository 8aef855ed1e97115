// SPDX-License-Identifier: PostgreSQL
// Runs of plain characters are appended whole.
#include "core/base/json_text.hpp"

namespace lakehouse {
namespace {

constexpr std::string_view kHexDigits = "0123456789abcdef";
constexpr std::string_view kPercentDigits = "0123456789ABCDEF";  // RFC 3986, 2.1

bool is_plain(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '_' || c == '.' || c == '~';
}

}  // namespace

void append_json_string(std::string& json, std::string_view text) {
  json += '"';
  std::size_t start = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if (byte >= 0x20 && byte != '"' && byte != '\\') continue;
    json.append(text, start, i - start);
    start = i;
    json += '\\';
    if (byte >= 0x20) continue;  // the character itself begins the next run
    json += "u00";
    json += kHexDigits[byte >> 4U];
    json += kHexDigits[byte & 15U];
    start = i + 1;
  }
  json.append(text, start);
  json += '"';
}

void append_json_field(std::string& json, std::string_view key, std::string_view text) {
  if (text.empty()) return;
  if (!json.empty() && json.back() != '{') json += ',';
  append_json_string(json, key);
  json += ':';
  append_json_string(json, text);
}

std::string percent_encoded(std::string_view text) {
  std::string encoded;
  std::size_t start = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (is_plain(text[i])) continue;
    const auto byte = static_cast<unsigned char>(text[i]);
    encoded.append(text, start, i - start);
    encoded += '%';
    encoded += kPercentDigits[byte >> 4U];
    encoded += kPercentDigits[byte & 15U];
    start = i + 1;
  }
  return encoded.append(text, start);
}

}  // namespace lakehouse
