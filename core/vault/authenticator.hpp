// SPDX-License-Identifier: PostgreSQL
// Authenticator: HMAC-SHA-256 (RFC 2104) under a key of its own, derived from one master key for
// one tenant and one purpose. The key is wiped when it dies. Of one thread at a time.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "core/vault/aead.hpp"

struct evp_mac_ctx_st;

namespace lakehouse::vault {

inline constexpr std::size_t kTagSize = 32;

class Authenticator {
 public:
  // Nothing if OpenSSL fails.
  static std::optional<Authenticator> derive(AeadKey master, std::string_view tenant_id,
                                             std::string_view purpose);
  Authenticator(Authenticator&&) noexcept = default;
  Authenticator& operator=(Authenticator&&) noexcept = default;
  ~Authenticator();

  // kTagSize bytes; empty if OpenSSL fails.
  std::string tag_of(std::string_view message) const;

 private:
  Authenticator() = default;

  struct Free {
    void operator()(evp_mac_ctx_st* context) const noexcept;
  };
  std::array<unsigned char, 32> key_{};
  std::unique_ptr<evp_mac_ctx_st, Free> context_;
};

}  // namespace lakehouse::vault
