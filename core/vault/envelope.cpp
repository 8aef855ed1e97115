// SPDX-License-Identifier: PostgreSQL
// Field by field; a length before each text, so that no two places share their bytes.
#include "core/vault/envelope.hpp"

namespace lakehouse::vault {
namespace {

constexpr std::string_view kPreamble("LK\x01\x01", 4);  // magic, version 1, algorithm 1

template <typename Number>
void put_number(std::string& bytes, Number number) {
  for (int shift = static_cast<int>(sizeof(Number)) * 8 - 8; shift >= 0; shift -= 8) {
    bytes.push_back(static_cast<char>(number >> shift & 0xFF));
  }
}

void put_text(std::string& bytes, std::string_view text) {
  put_number(bytes, static_cast<std::uint32_t>(text.size()));
  bytes.append(text);
}

std::uint32_t read_number(std::string_view four_bytes) {
  std::uint32_t number = 0;
  for (const char byte : four_bytes) number = number << 8 | static_cast<unsigned char>(byte);
  return number;
}

}  // namespace

std::optional<EnvelopeView> view_envelope(std::string_view envelope) {
  if (envelope.size() < kMinEnvelopeBytes || !envelope.starts_with(kPreamble)) return std::nullopt;
  return EnvelopeView{.key_id = read_number(envelope.substr(4, 4)),
                      .salt = envelope.substr(8, kSaltBytes),
                      .commitment = envelope.substr(8 + kSaltBytes, kCommitmentBytes),
                      .header = envelope.substr(0, kHeaderBytes),
                      .nonce = envelope.substr(kHeaderBytes, kPrefixBytes - kHeaderBytes),
                      .sealed = envelope.substr(kPrefixBytes)};
}

std::string encode_header(std::uint32_t key_id, std::string_view salt,
                          std::string_view commitment) {
  std::string bytes(kPreamble);
  put_number(bytes, key_id);
  bytes.append(salt).append(commitment);
  return bytes;
}

std::string derivation_info(const Place& place) {
  std::string bytes;
  put_text(bytes, "lakehouse/v1");
  put_text(bytes, place.purpose);
  put_text(bytes, place.tenant_id);
  return bytes;
}

std::string associated_data(std::string_view header, const Place& place) {
  std::string bytes(header);
  put_text(bytes, place.tenant_id);
  put_text(bytes, place.purpose);
  put_text(bytes, place.row_id);
  put_text(bytes, place.column);
  put_number(bytes, static_cast<std::uint32_t>(sizeof(place.version)));
  put_number(bytes, place.version);
  return bytes;
}

}  // namespace lakehouse::vault
