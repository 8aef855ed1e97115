// SPDX-License-Identifier: PostgreSQL
// Derives like an envelope's key, but without salt: the same key each time. The context is made
// once: OpenSSL's one call for all takes several times as long as the hash, and locks.
#include "core/vault/authenticator.hpp"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include "core/vault/envelope.hpp"
#include "core/vault/hkdf.hpp"

namespace lakehouse::vault {
namespace {

evp_mac_ctx_st* new_context() {
  const std::unique_ptr<EVP_MAC, decltype(&EVP_MAC_free)> mac(
      EVP_MAC_fetch(nullptr, OSSL_MAC_NAME_HMAC, nullptr), EVP_MAC_free);
  EVP_MAC_CTX* context = mac ? EVP_MAC_CTX_new(mac.get()) : nullptr;
  char digest[] = "SHA256";
  const OSSL_PARAM parameters[] = {
      OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
      OSSL_PARAM_construct_end()};
  if (context != nullptr && EVP_MAC_CTX_set_params(context, parameters) == 1) return context;
  EVP_MAC_CTX_free(context);
  return nullptr;
}

}  // namespace

std::optional<Authenticator> Authenticator::derive(AeadKey master, std::string_view tenant_id,
                                                   std::string_view purpose) {
  const Place place{std::string(tenant_id), std::string(purpose), {}, {}, 0};
  Authenticator authenticator;
  if (!derive_hkdf_sha256(master, "", derivation_info(place), authenticator.key_)) {
    return std::nullopt;
  }
  authenticator.context_.reset(new_context());
  if (!authenticator.context_) return std::nullopt;
  return authenticator;
}

Authenticator::~Authenticator() { OPENSSL_cleanse(key_.data(), key_.size()); }

std::string Authenticator::tag_of(std::string_view message) const {
  std::string tag(kTagSize, '\0');
  std::size_t size = 0;
  EVP_MAC_CTX* context = context_.get();
  // The key each time: without it, OpenSSL before 3.0.3 goes on where it stopped.
  const bool is_made =
      EVP_MAC_init(context, key_.data(), key_.size(), nullptr) == 1 &&
      EVP_MAC_update(context, reinterpret_cast<const unsigned char*>(message.data()),
                     message.size()) == 1 &&
      EVP_MAC_final(context, reinterpret_cast<unsigned char*>(tag.data()), &size, tag.size()) == 1;
  if (!is_made || size != tag.size()) return {};
  return tag;
}

void Authenticator::Free::operator()(evp_mac_ctx_st* context) const noexcept {
  EVP_MAC_CTX_free(context);
}

}  // namespace lakehouse::vault
