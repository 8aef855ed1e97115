// SPDX-License-Identifier: PostgreSQL
// OpenSSL's codec, which is laxer when it reads: what it took is written again and compared.
#include "worker/mcp/base64.hpp"

#include <openssl/evp.h>

#include <algorithm>

namespace lakehouse::worker::mcp {
namespace {

std::string encode(std::string_view bytes) {
  std::string text((bytes.size() + 2) / 3 * 4 + 1, '\0');  // the codec adds a zero
  const int size = ::EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()),
                                     reinterpret_cast<const unsigned char*>(bytes.data()),
                                     static_cast<int>(bytes.size()));
  text.resize(static_cast<std::size_t>(size));
  return text;
}

void swap_alphabet(std::string& text, std::string_view from, std::string_view to) {
  for (std::size_t i = 0; i < from.size(); ++i) {
    std::replace(text.begin(), text.end(), from[i], to[i]);
  }
}

}  // namespace

std::string to_base64url(std::string_view bytes) {
  std::string text = encode(bytes);
  swap_alphabet(text, "+/", "-_");
  text.erase(text.find_last_not_of('=') + 1);
  return text;
}

std::optional<std::string> from_base64(std::string_view text) {
  if (text.size() % 4 != 0) return std::nullopt;
  std::string bytes(text.size() / 4 * 3, '\0');
  const int size = ::EVP_DecodeBlock(reinterpret_cast<unsigned char*>(bytes.data()),
                                     reinterpret_cast<const unsigned char*>(text.data()),
                                     static_cast<int>(text.size()));
  if (size < 0) return std::nullopt;
  const std::size_t padding = text.ends_with("==") ? 2 : text.ends_with('=') ? 1 : 0;
  bytes.resize(static_cast<std::size_t>(size) - padding);
  return encode(bytes) == text ? std::optional(std::move(bytes)) : std::nullopt;
}

std::optional<std::string> from_base64url(std::string_view text) {
  std::string padded(text);
  swap_alphabet(padded, "+/=", "***");  // not of this alphabet
  swap_alphabet(padded, "-_", "+/");
  padded.append((4 - padded.size() % 4) % 4, '=');
  return from_base64(padded);
}

}  // namespace lakehouse::worker::mcp
