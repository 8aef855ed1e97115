// SPDX-License-Identifier: PostgreSQL
// RFC 7636, sections 4.1 and 4.2.
#include "worker/oauth/pkce.hpp"

#include "core/base/base64.hpp"
#include "worker/oauth/token.hpp"

namespace lakehouse::worker::oauth {
namespace {

constexpr std::size_t kChallengeBytes = 43, kShortestVerifier = 43, kLongestVerifier = 128;
constexpr std::string_view kUnreserved =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";

}  // namespace

bool is_challenge(std::string_view text) {
  return text.size() == kChallengeBytes &&
         text.find_first_not_of(kBase64urlDigits) == std::string_view::npos;
}

bool is_verifier(std::string_view text) {
  return text.size() >= kShortestVerifier && text.size() <= kLongestVerifier &&
         text.find_first_not_of(kUnreserved) == std::string_view::npos;
}

std::string challenge_of(std::string_view verifier) { return to_base64url(hash_of(verifier)); }

}  // namespace lakehouse::worker::oauth
