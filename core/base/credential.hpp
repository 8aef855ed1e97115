// SPDX-License-Identifier: PostgreSQL
// The text of a credential this project hands out: a prefix that says what it is, 256 random bits
// in base64url, and a checksum (CRC-32, six base62 digits), so that scanners find leaked ones and
// a mistyped one is known without asking anybody.
#pragma once

#include <array>
#include <cstddef>
#include <string_view>

namespace lakehouse {

inline constexpr std::string_view kAccessTokenPrefix = "lkh_at_";
inline constexpr std::string_view kRefreshTokenPrefix = "lkh_rt_";
inline constexpr std::string_view kClientSecretPrefix = "lkh_cs_";
inline constexpr std::string_view kActivationPrefix = "lkh_al_";
inline constexpr std::string_view kRecipientTokenPrefix = "lkh_st_";

inline constexpr std::size_t kCredentialRandomBytes = 32;
inline constexpr std::size_t kCredentialChecksumBytes = 6;
// What follows the prefix: 43 characters of base64url, then the checksum.
inline constexpr std::size_t kCredentialBodyBytes = 43 + kCredentialChecksumBytes;

using CredentialBody = std::array<char, kCredentialBodyBytes>;

CredentialBody credential_body(
    const std::array<unsigned char, kCredentialRandomBytes>& random) noexcept;

// Whether `text` has this prefix, the right length and alphabet, and its checksum fits.
bool is_credential(std::string_view text, std::string_view prefix) noexcept;

}  // namespace lakehouse
