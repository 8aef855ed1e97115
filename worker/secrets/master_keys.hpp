// SPDX-License-Identifier: PostgreSQL
// MasterKeys: adds, lists and retires master keys, and keeps the log of it in the database.
// The order of steps makes every crash harmless: a key is on disk before it encrypts, and marked in
// the database as retired, which no later secret can get past, before it leaves the disk.
#pragma once

#include "worker/db/pool.hpp"
#include "worker/gateway/services.hpp"
#include "worker/secrets/live_vault.hpp"

namespace lakehouse::worker::secrets {

class MasterKeys final : public gateway::KeyStore {
 public:
  MasterKeys(LiveVault& vault, db::Pool& pool, log::Log& log)
      : vault_(vault), pool_(pool), log_(log) {}

  // Errors: kInvalidArgument (the keys come from a command), the key file's, the database's.
  Result<std::uint32_t> add(const Context& context) override;

  Result<std::vector<wire::ListedKey>> list(const Context& context) override;

  // Errors: kNotFound, kInvalidArgument (it writes, or a secret still needs it), the database's.
  Result<bool> retire(std::uint32_t id, const Context& context) override;

  // Makes the log name every key that the vault holds.
  Status note_keys(const Context& context);

 private:
  Status check_retirable(std::uint32_t id);
  Status mark_retired(std::uint32_t id, const Context& context);

  LiveVault& vault_;
  db::Pool& pool_;
  log::Log& log_;
};

}  // namespace lakehouse::worker::secrets
