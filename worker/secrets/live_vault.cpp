// SPDX-License-Identifier: PostgreSQL
// Looks at the file's facts; swaps the vault behind a lock.
#include "worker/secrets/live_vault.hpp"

#include <sys/stat.h>

#include <algorithm>

namespace lakehouse::worker::secrets {

Result<std::unique_ptr<LiveVault>> LiveVault::open(config::MasterKeySource source, log::Log& log) {
  auto keys = config::open_vault(source, log);
  if (!keys) return keys.error();
  return std::unique_ptr<LiveVault>(new LiveVault(std::move(source), *std::move(keys), log));
}

LiveVault::LiveVault(config::MasterKeySource source, std::unique_ptr<vault::Vault> keys,
                     log::Log& log)
    : source_(std::move(source)),
      file_(config::key_file_of(source_)),
      log_(log),
      current_(std::move(keys)) {}

Result<Secret> LiveVault::open(std::string_view envelope, const vault::Place& place) const {
  auto opened = current()->open(envelope, place);
  if (opened) return opened;
  const auto id = key_id_of(envelope);
  const auto known = key_ids();
  if (!id || std::ranges::find(known, *id) != known.end()) return opened;
  refresh();
  return current()->open(envelope, place);
}

Result<vault::Authenticator> LiveVault::authenticator(std::uint32_t key_id,
                                                      std::string_view tenant_id,
                                                      std::string_view purpose) const {
  auto found = current()->authenticator(key_id, tenant_id, purpose);
  if (found || found.error().code != ErrorCode::kNotFound) return found;
  refresh();
  return current()->authenticator(key_id, tenant_id, purpose);
}

Status LiveVault::reload() const {
  const std::scoped_lock lock(reading_);
  stamp_ = stamp();
  return read_keys();
}

// The first look always reads: the file may have changed since the start.
void LiveVault::refresh() const {
  const std::scoped_lock lock(reading_);
  if (!file_) return;
  const Stamp seen = stamp();
  if (stamp_ == seen) return;
  stamp_ = seen;
  static_cast<void>(read_keys());
}

std::shared_ptr<const vault::Vault> LiveVault::current() const {
  const std::scoped_lock lock(mutex_);
  return current_;
}

LiveVault::Stamp LiveVault::stamp() const {
  struct stat facts {};
  if (!file_ || ::lstat(file_->c_str(), &facts) != 0) return {};
  constexpr std::int64_t kSecond_ns = 1'000'000'000;
  return {facts.st_dev, facts.st_ino, facts.st_ctim.tv_sec * kSecond_ns + facts.st_ctim.tv_nsec};
}

Status LiveVault::read_keys() const {
  auto keys = config::reopen_vault(source_);
  if (!keys) {
    log_.failure("master keys could not be read again; those in memory stay", keys.error());
    return keys.error();
  }
  const std::uint32_t writing = (*keys)->writing_key_id();
  const std::uint64_t count = (*keys)->key_ids().size();
  {
    const std::scoped_lock lock(mutex_);
    current_ = *std::move(keys);
  }
  ++generation_;
  log_.write(LogLevel::kInfo, "master keys read", {},
             {{"writing_key_id", std::uint64_t{writing}}, {"keys", count}});
  return kDone;
}

}  // namespace lakehouse::worker::secrets
