// SPDX-License-Identifier: PostgreSQL
// AES-256-GCM (NIST SP 800-38D) with the one nonce and tag length that we allow.
#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace lakehouse::vault {

inline constexpr std::size_t kAeadKeyBytes = 32;
inline constexpr std::size_t kNonceBytes = 12;
inline constexpr std::size_t kTagBytes = 16;

using AeadKey = std::span<const unsigned char, kAeadKeyBytes>;

// Appends ciphertext and tag to `sealed`. `nonce` has kNonceBytes and is used once per key.
bool aead_seal(AeadKey key, std::string_view nonce, std::string_view associated_data,
               std::string_view plaintext, std::string& sealed);

// Writes the plaintext of `sealed` (ciphertext and tag). On failure nothing of it is left.
bool aead_open(AeadKey key, std::string_view nonce, std::string_view associated_data,
               std::string_view sealed, std::string& plaintext);

}  // namespace lakehouse::vault
