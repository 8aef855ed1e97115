// SPDX-License-Identifier: PostgreSQL
// Authenticator: HMAC-SHA-256 (RFC 2104) under a key of its own, derived from one master key for
// one tenant and one purpose. The key is wiped when it dies.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "core/vault/aead.hpp"

namespace lakehouse::vault {

inline constexpr std::size_t kTagSize = 32;

class Authenticator {
 public:
  // Nothing if OpenSSL fails.
  static std::optional<Authenticator> derive(AeadKey master, std::string_view tenant_id,
                                             std::string_view purpose);
  Authenticator(const Authenticator&) = default;
  Authenticator& operator=(const Authenticator&) = default;
  ~Authenticator();

  // kTagSize bytes; empty if OpenSSL fails.
  std::string tag_of(std::string_view message) const;

 private:
  Authenticator() = default;

  std::array<unsigned char, 32> key_{};
};

}  // namespace lakehouse::vault
