// SPDX-License-Identifier: PostgreSQL
// The bytes around a ciphertext: where each field of an envelope lies, and the two byte strings
// that bind it to its place. Layout, big endian:
//   magic(2)="LK" version(1)=1 algorithm(1)=1 key_id(4) salt(32) commitment(32) nonce(12)
//   ciphertext(n) tag(16)
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/vault/vault.hpp"

namespace lakehouse::vault {

inline constexpr std::size_t kSaltBytes = 32;
inline constexpr std::size_t kCommitmentBytes = 32;
inline constexpr std::size_t kHeaderBytes = 8 + kSaltBytes + kCommitmentBytes;
inline constexpr std::size_t kPrefixBytes = kHeaderBytes + 12;       // with the nonce
inline constexpr std::size_t kMinEnvelopeBytes = kPrefixBytes + 16;  // of an empty plaintext

// Views into an envelope's bytes.
struct EnvelopeView {
  std::uint32_t key_id;
  std::string_view salt;
  std::string_view commitment;
  std::string_view header;  // everything before the nonce
  std::string_view nonce;
  std::string_view sealed;  // ciphertext and tag
};

// Nothing if the envelope is too short or its magic, version or algorithm is not ours.
std::optional<EnvelopeView> view_envelope(std::string_view envelope);

std::string encode_header(std::uint32_t key_id, std::string_view salt, std::string_view commitment);

// HKDF's info: length-prefixed "lakehouse/v1", purpose, tenant. A key serves one tenant's purpose.
std::string derivation_info(const Place& place);

// GCM's associated data: the header, then every field of the place, each length-prefixed.
std::string associated_data(std::string_view header, const Place& place);

}  // namespace lakehouse::vault
