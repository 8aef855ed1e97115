// SPDX-License-Identifier: PostgreSQL
// LiveVault: a vault whose keys are read again, without a restart, when their source has changed.
// Keys that can't be read, or are malformed, leave the ones in memory in place.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "core/vault/vault.hpp"
#include "worker/config/master_key.hpp"

namespace lakehouse::worker::secrets {

class LiveVault final : public vault::Vault {
 public:
  // As config::open_vault.
  static Result<std::unique_ptr<LiveVault>> open(config::MasterKeySource source, log::Log& log);

  std::uint32_t writing_key_id() const override { return current()->writing_key_id(); }
  std::vector<std::uint32_t> key_ids() const override { return current()->key_ids(); }
  Result<std::string> seal(const Secret& plaintext, const vault::Place& place) const override {
    return current()->seal(plaintext, place);
  }
  // An envelope of a key that is not known here has the source looked at first: another worker may
  // have just added it.
  Result<Secret> open(std::string_view envelope, const vault::Place& place) const override;
  Result<vault::Authenticator> authenticator(std::uint32_t key_id, std::string_view tenant_id,
                                             std::string_view purpose) const override;

  // Nothing if the keys come from a command.
  const std::optional<std::string>& file() const noexcept { return file_; }

  // Reads the keys again: in any case, or if the file is another than the one read last.
  Status reload() const;
  void refresh() const;
  // Counts up whenever keys were read.
  std::uint64_t generation() const noexcept { return generation_; }

 private:
  struct Stamp {  // all zero: there is no file
    dev_t device = 0;
    ino_t inode = 0;
    std::int64_t changed_ns = 0;  // a rename, a write and a chmod all count
    bool operator==(const Stamp&) const = default;
  };
  LiveVault(config::MasterKeySource source, std::unique_ptr<vault::Vault> keys, log::Log& log);
  std::shared_ptr<const vault::Vault> current() const;
  Stamp stamp() const;
  Status read_keys() const;

  const config::MasterKeySource source_;
  const std::optional<std::string> file_;
  log::Log& log_;
  mutable std::mutex reading_;          // one reader of the source at a time
  mutable std::optional<Stamp> stamp_;  // when the file was read last
  mutable std::mutex mutex_;            // of current_
  mutable std::shared_ptr<const vault::Vault> current_;
  mutable std::atomic<std::uint64_t> generation_ = 1;
};

}  // namespace lakehouse::worker::secrets
