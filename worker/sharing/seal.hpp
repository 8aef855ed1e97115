// SPDX-License-Identifier: PostgreSQL
// Seal: authenticates what clients carry for us: URLs of files, tokens of pages and of refreshes.
// Any worker with the same master keys verifies it. Nothing sealed is secret.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

#include "core/vault/vault.hpp"

namespace lakehouse::worker::sharing {

// One key, kept for the seals of one answer.
class Seal {
 public:
  // By the key that writes now; or by one that a seal names. Errors: those of Vault::authenticator.
  static Result<Seal> current(const vault::Vault& vault, std::string_view purpose);
  static Result<Seal> of_key(const vault::Vault& vault, std::string_view purpose,
                             std::uint32_t key_id);

  std::uint32_t key_id() const noexcept { return key_id_; }
  // Base64url of an HMAC over the parts, each with its length. Empty if OpenSSL fails.
  std::string tag_of(std::initializer_list<std::string_view> parts) const;
  // Takes as long whatever the difference.
  bool fits(std::initializer_list<std::string_view> parts, std::string_view tag) const;

 private:
  Seal(std::uint32_t key_id, vault::Authenticator key) : key_id_(key_id), key_(std::move(key)) {}

  std::uint32_t key_id_;
  vault::Authenticator key_;
};

// A token that only its own question takes back: `binding` says which, and is not in it.
// Payloads are printable and have no dot.
Result<std::string> seal_token(const vault::Vault& vault, std::string_view payload,
                               std::string_view binding, std::int64_t expires_at);
// Nothing if it is not ours, of another question, or too old.
std::optional<std::string> open_token(const vault::Vault& vault, std::string_view token,
                                      std::string_view binding, std::int64_t now);

}  // namespace lakehouse::worker::sharing
