// SPDX-License-Identifier: PostgreSQL
// Keeper: turns plain secrets into envelopes, for a caller that writes its own row or into the row
// itself. Plain text comes in and never goes out.
#pragma once

#include "core/vault/vault.hpp"
#include "worker/db/pool.hpp"
#include "worker/gateway/services.hpp"

namespace lakehouse::worker::secrets {

class Keeper final : public gateway::SecretStore {
 public:
  Keeper(db::Pool& pool, const vault::Vault& vault) : pool_(pool), vault_(vault) {}

  Result<std::string> seal(const vault::Place& place, const Secret& plaintext) override;

  // Writes the secret of a tenant's warehouse connection in one transaction, with the version
  // counted up. Errors: kNotFound, the database's.
  Result<std::uint64_t> store(const std::string& tenant, const std::string& connection,
                              const Secret& plaintext, const Context& context) override;

 private:
  db::Pool& pool_;
  const vault::Vault& vault_;
};

}  // namespace lakehouse::worker::secrets
