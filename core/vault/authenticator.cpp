// SPDX-License-Identifier: PostgreSQL
// Derives like an envelope's key, but without salt: the same key each time.
#include "core/vault/authenticator.hpp"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "core/vault/envelope.hpp"
#include "core/vault/hkdf.hpp"

namespace lakehouse::vault {

std::optional<Authenticator> Authenticator::derive(AeadKey master, std::string_view tenant_id,
                                                   std::string_view purpose) {
  const Place place{std::string(tenant_id), std::string(purpose), {}, {}, 0};
  Authenticator authenticator;
  if (!derive_hkdf_sha256(master, "", derivation_info(place), authenticator.key_)) {
    return std::nullopt;
  }
  return authenticator;
}

Authenticator::~Authenticator() { OPENSSL_cleanse(key_.data(), key_.size()); }

std::string Authenticator::tag_of(std::string_view message) const {
  std::array<unsigned char, kTagSize> tag{};
  unsigned size = 0;
  const unsigned char* made = HMAC(EVP_sha256(), key_.data(), static_cast<int>(key_.size()),
                                   reinterpret_cast<const unsigned char*>(message.data()),
                                   message.size(), tag.data(), &size);
  if (made == nullptr || size != tag.size()) return {};
  return {reinterpret_cast<const char*>(tag.data()), tag.size()};
}

}  // namespace lakehouse::vault
