// SPDX-License-Identifier: PostgreSQL
// Runs of plain characters are appended whole.
#include "core/base/json_text.hpp"

namespace lakehouse {
namespace {

constexpr std::string_view kHexDigits = "0123456789abcdef";
constexpr std::string_view kPercentDigits = "0123456789ABCDEF";  // RFC 3986, 2.1

void append_escape(std::string& json, char c) {
  if (c == '"' || c == '\\') {
    json += '\\';
    json += c;
    return;
  }
  const auto byte = static_cast<unsigned char>(c);
  json += "\\u00";
  json += kHexDigits[byte >> 4U];
  json += kHexDigits[byte & 15U];
}

}  // namespace

void append_json_string(std::string& json, std::string_view text) {
  json += '"';
  std::size_t start = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if (byte >= 0x20 && byte != '"' && byte != '\\') continue;
    json.append(text, start, i - start);
    append_escape(json, text[i]);
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
  for (const char c : text) {
    const bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                          (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.' || c == '~';
    if (is_plain) {
      encoded += c;
    } else {
      const auto byte = static_cast<unsigned char>(c);
      encoded += '%';
      encoded += kPercentDigits[byte >> 4U];
      encoded += kPercentDigits[byte & 15U];
    }
  }
  return encoded;
}

}  // namespace lakehouse
