// SPDX-License-Identifier: PostgreSQL
// Proof Key for Code Exchange (RFC 7636), method S256; `plain` is not spoken here.
#pragma once

#include <string>
#include <string_view>

namespace lakehouse::worker::oauth {

bool is_challenge(std::string_view text);  // base64url of a SHA-256: 43 characters
bool is_verifier(std::string_view text);   // 43 to 128 unreserved characters
std::string challenge_of(std::string_view verifier);

}  // namespace lakehouse::worker::oauth
