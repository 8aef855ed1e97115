// SPDX-License-Identifier: PostgreSQL
// OpenSSL's random numbers, digests and comparison.
#include "worker/oauth/token.hpp"

#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <openssl/sha.h>

#include <array>

namespace lakehouse::worker::oauth {

Result<Token> make_token(std::string_view prefix) {
  std::array<unsigned char, kCredentialRandomBytes> random{};
  if (RAND_bytes(random.data(), static_cast<int>(random.size())) != 1) {
    return Error{ErrorCode::kInternal, "could not generate random bytes", "", ""};
  }
  const CredentialBody body = credential_body(random);
  std::string text(prefix);
  text.append(body.data(), body.size());
  OPENSSL_cleanse(random.data(), random.size());
  std::string hash = hash_of(text);
  return Token{Secret(std::move(text)), std::move(hash)};
}

std::string hash_of(std::string_view text) {
  std::string hash(SHA256_DIGEST_LENGTH, '\0');
  SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(),
         reinterpret_cast<unsigned char*>(hash.data()));
  return hash;
}

bool is_same(std::string_view left, std::string_view right) {
  return left.size() == right.size() && CRYPTO_memcmp(left.data(), right.data(), left.size()) == 0;
}

}  // namespace lakehouse::worker::oauth
