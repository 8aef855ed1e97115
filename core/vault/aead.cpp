// SPDX-License-Identifier: PostgreSQL
// AES-256-GCM through OpenSSL's EVP_CIPHER.
#include "core/vault/aead.hpp"

#include <openssl/evp.h>

#include <climits>
#include <memory>

#include "core/base/secret.hpp"

namespace lakehouse::vault {
namespace {

struct FreeContext {
  void operator()(EVP_CIPHER_CTX* context) const noexcept { EVP_CIPHER_CTX_free(context); }
};
using CipherContext = std::unique_ptr<EVP_CIPHER_CTX, FreeContext>;

const unsigned char* bytes_of(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}
unsigned char* bytes_of(std::string& text) { return reinterpret_cast<unsigned char*>(text.data()); }

// OpenSSL counts in int.
bool fits(std::string_view text) { return text.size() <= INT_MAX; }

// A context that has seen the associated data. Empty on failure.
CipherContext begin(AeadKey key, std::string_view nonce, std::string_view associated_data,
                    bool encrypts) {
  if (nonce.size() != kNonceBytes || !fits(associated_data)) return nullptr;
  CipherContext context(EVP_CIPHER_CTX_new());
  int size = 0;
  const bool is_ready = context &&
                        EVP_CipherInit_ex2(context.get(), EVP_aes_256_gcm(), key.data(),
                                           bytes_of(nonce), encrypts ? 1 : 0, nullptr) == 1 &&
                        (associated_data.empty() ||
                         EVP_CipherUpdate(context.get(), nullptr, &size, bytes_of(associated_data),
                                          static_cast<int>(associated_data.size())) == 1);
  return is_ready ? std::move(context) : nullptr;
}

bool update(EVP_CIPHER_CTX* context, std::string_view input, unsigned char* output) {
  int size = 0;
  return input.empty() || EVP_CipherUpdate(context, output, &size, bytes_of(input),
                                           static_cast<int>(input.size())) == 1;
}

}  // namespace

bool aead_seal(AeadKey key, std::string_view nonce, std::string_view associated_data,
               std::string_view plaintext, std::string& sealed) {
  if (!fits(plaintext)) return false;
  const CipherContext context = begin(key, nonce, associated_data, true);
  if (!context) return false;
  const std::size_t start = sealed.size();
  sealed.resize(start + plaintext.size() + kTagBytes);
  unsigned char* const ciphertext = bytes_of(sealed) + start;
  unsigned char* const tag = ciphertext + plaintext.size();
  int size = 0;
  const bool is_sealed =
      update(context.get(), plaintext, ciphertext) &&
      EVP_CipherFinal_ex(context.get(), tag, &size) == 1 &&
      EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_GET_TAG, kTagBytes, tag) == 1;
  if (!is_sealed) sealed.resize(start);
  return is_sealed;
}

bool aead_open(AeadKey key, std::string_view nonce, std::string_view associated_data,
               std::string_view sealed, std::string& plaintext) {
  Secret::wipe(plaintext);
  if (sealed.size() < kTagBytes || !fits(sealed)) return false;
  const std::string_view ciphertext = sealed.substr(0, sealed.size() - kTagBytes);
  std::string tag(sealed.substr(ciphertext.size()));  // OpenSSL wants it mutable
  const CipherContext context = begin(key, nonce, associated_data, false);
  if (!context) return false;
  plaintext.resize(ciphertext.size());
  unsigned char rest[EVP_MAX_BLOCK_LENGTH];  // GCM leaves nothing for the end
  int size = 0;
  const bool is_open =
      update(context.get(), ciphertext, bytes_of(plaintext)) &&
      EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_SET_TAG, kTagBytes, tag.data()) == 1 &&
      EVP_CipherFinal_ex(context.get(), rest, &size) == 1;
  if (!is_open) Secret::wipe(plaintext);
  return is_open;
}

}  // namespace lakehouse::vault
