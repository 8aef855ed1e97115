// SPDX-License-Identifier: PostgreSQL
// CRC-32 (ISO 3309) and its digits.
#include "core/base/credential.hpp"

#include <cstdint>

#include "core/base/base64.hpp"

namespace lakehouse {
namespace {

constexpr std::string_view kBase62 =
    "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
constexpr std::size_t kRandomTextBytes = base64url_size(kCredentialRandomBytes);
static_assert(kRandomTextBytes + kCredentialChecksumBytes == kCredentialBodyBytes);

std::uint32_t crc32(std::string_view text) {
  constexpr std::uint32_t kPolynomial = 0xEDB88320U;
  std::uint32_t crc = ~0U;
  for (const char c : text) {
    crc ^= static_cast<unsigned char>(c);
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1U) ^ ((crc & 1U) != 0 ? kPolynomial : 0U);
  }
  return ~crc;
}

void write_checksum(std::string_view text, char* out) {
  std::uint32_t crc = crc32(text);
  for (std::size_t i = kCredentialChecksumBytes; i-- > 0; crc /= kBase62.size()) {
    out[i] = kBase62[crc % kBase62.size()];
  }
}

}  // namespace

CredentialBody credential_body(
    const std::array<unsigned char, kCredentialRandomBytes>& random) noexcept {
  CredentialBody body{};
  write_base64url({reinterpret_cast<const char*>(random.data()), random.size()}, body.data());
  write_checksum({body.data(), kRandomTextBytes}, body.data() + kRandomTextBytes);
  return body;
}

bool is_credential(std::string_view text, std::string_view prefix) noexcept {
  if (!text.starts_with(prefix) || text.size() != prefix.size() + kCredentialBodyBytes) {
    return false;
  }
  text.remove_prefix(prefix.size());
  if (text.find_first_not_of(kBase64urlDigits) != std::string_view::npos) return false;
  char checksum[kCredentialChecksumBytes];
  write_checksum(text.substr(0, kRandomTextBytes), checksum);
  return text.substr(kRandomTextBytes) == std::string_view(checksum, kCredentialChecksumBytes);
}

}  // namespace lakehouse
