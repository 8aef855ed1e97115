// SPDX-License-Identifier: PostgreSQL
// The vault over a key ring: derives a fresh key per record, commits to it, seals and opens.
#include "core/vault/vault.hpp"

#include <openssl/crypto.h>
#include <openssl/rand.h>

#include <array>
#include <cstring>

#include "core/vault/aead.hpp"
#include "core/vault/envelope.hpp"
#include "core/vault/hkdf.hpp"
#include "core/vault/key_command.hpp"
#include "core/vault/key_file.hpp"
#include "core/vault/key_ring.hpp"

namespace lakehouse::vault {
namespace {

// A record's own key and the commitment to it: what HKDF yields. Wiped when it dies.
class RecordKey {
 public:
  ~RecordKey() { OPENSSL_cleanse(bytes_.data(), bytes_.size()); }
  bool derive(AeadKey master, std::string_view salt, const Place& place) {
    return derive_hkdf_sha256(master, salt, derivation_info(place), bytes_);
  }
  AeadKey key() const { return std::span(bytes_).first<kAeadKeyBytes>(); }
  std::string_view commitment() const {
    return {reinterpret_cast<const char*>(bytes_.data()) + kAeadKeyBytes, kCommitmentBytes};
  }
  bool is_committed_by(std::string_view other) const {
    return CRYPTO_memcmp(commitment().data(), other.data(), kCommitmentBytes) == 0;
  }

 private:
  std::array<unsigned char, kAeadKeyBytes + kCommitmentBytes> bytes_{};
};

// One text for every failure: what went wrong is nobody's business but the key holder's.
Error not_opened() {
  return {ErrorCode::kUnauthenticated, "could not decrypt the stored secret", "",
          "Store the secret again, or restore the master key it was encrypted with."};
}

Error not_sealed() { return {ErrorCode::kInternal, "could not encrypt the secret", "", ""}; }

class KeyRingVault final : public Vault {
 public:
  explicit KeyRingVault(KeyRing ring) : ring_(std::move(ring)) {}

  std::uint32_t writing_key_id() const override { return ring_.writing_key_id(); }
  std::vector<std::uint32_t> key_ids() const override { return ring_.ids(); }

  Result<std::string> seal(const Secret& plaintext, const Place& place) const override {
    std::array<char, kSaltBytes + kNonceBytes> random{};
    if (RAND_bytes(reinterpret_cast<unsigned char*>(random.data()),
                   static_cast<int>(random.size())) != 1) {
      return not_sealed();
    }
    const std::string_view salt(random.data(), kSaltBytes);
    const std::string_view nonce(random.data() + kSaltBytes, kNonceBytes);
    RecordKey record;
    if (!record.derive(*ring_.find(writing_key_id()), salt, place)) return not_sealed();
    std::string envelope = encode_header(writing_key_id(), salt, record.commitment());
    const std::string bound = associated_data(envelope, place);
    envelope.append(nonce);
    const bool is_sealed = aead_seal(record.key(), nonce, bound, plaintext.reveal(), envelope);
    if (!is_sealed) return not_sealed();
    return envelope;
  }

  Result<Secret> open(std::string_view envelope, const Place& place) const override {
    const auto view = view_envelope(envelope);
    if (!view) return not_opened();
    const auto master = ring_.find(view->key_id);
    RecordKey record;
    if (!master || !record.derive(*master, view->salt, place)) return not_opened();
    if (!record.is_committed_by(view->commitment)) return not_opened();
    std::string plaintext;
    const bool is_open = aead_open(record.key(), view->nonce, associated_data(view->header, place),
                                   view->sealed, plaintext);
    if (!is_open) return not_opened();
    return Secret(std::move(plaintext));
  }

  Result<Authenticator> authenticator(std::uint32_t key_id, std::string_view tenant_id,
                                      std::string_view purpose) const override {
    const auto master = ring_.find(key_id);
    if (!master) {
      return Error{ErrorCode::kNotFound,
                   "the worker does not have master key " + std::to_string(key_id), "",
                   "Put its line back into the master key file."};
    }
    auto derived = Authenticator::derive(*master, tenant_id, purpose);
    if (!derived) return Error{ErrorCode::kInternal, "could not derive a key", "", ""};
    return *std::move(derived);
  }

 private:
  KeyRing ring_;
};

Result<std::unique_ptr<Vault>> vault_over(Result<KeyRing> ring) {
  if (!ring) return std::move(ring).error();
  return std::unique_ptr<Vault>(std::make_unique<KeyRingVault>(*std::move(ring)));
}

}  // namespace

Result<std::unique_ptr<Vault>> Vault::open_file(const std::string& path) {
  return vault_over(read_key_file(path));
}

Result<std::unique_ptr<Vault>> Vault::open_command(const std::vector<std::string>& command) {
  return vault_over(run_key_command(command));
}

std::optional<std::uint32_t> Vault::key_id_of(std::string_view envelope) {
  const auto view = view_envelope(envelope);
  if (!view) return std::nullopt;
  return view->key_id;
}

Result<bool> Vault::create_file_if_missing(const std::string& path) {
  return create_key_file_if_missing(path);
}

}  // namespace lakehouse::vault
