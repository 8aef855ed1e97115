// SPDX-License-Identifier: PostgreSQL
// HKDF with SHA-256 (RFC 5869), extract and expand in one step.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

namespace lakehouse::vault {

inline constexpr std::size_t kHkdfMaxOutput = 255 * 32;  // RFC 5869, 2.3

// Fills `output` from `key`, `salt` and `info`. False if the output is too long or OpenSSL fails;
// the output is then zero.
bool derive_hkdf_sha256(std::span<const unsigned char> key, std::string_view salt,
                        std::string_view info, std::span<unsigned char> output);

}  // namespace lakehouse::vault
