// SPDX-License-Identifier: PostgreSQL
// Ids by OpenSSL; the list is short, so it is searched from its begin.
#include "worker/sharing/snapshot.hpp"

#include <openssl/evp.h>

#include <algorithm>
#include <array>

namespace lakehouse::worker::sharing {
namespace {

// A file takes about a kilobyte of memory, most of it stats.
constexpr std::size_t kMostKeptFiles = 50'000;
constexpr std::size_t kMostKeptSnapshots = 256;

std::string hex_digest(std::string_view text, const EVP_MD* kind) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  if (EVP_Digest(text.data(), text.size(), digest.data(), &size, kind, nullptr) != 1) return {};
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string hex;
  for (unsigned i = 0; i < size; ++i) {
    hex += kDigits[digest.at(i) >> 4U];
    hex += kDigits[digest.at(i) & 15U];
  }
  return hex;
}

}  // namespace

DataFile DataFile::of(std::string path) {
  DataFile file;
  file.md5 = hex_digest(path, EVP_md5());
  file.sha256 = hex_digest(path, EVP_sha256());
  file.path = std::move(path);
  return file;
}

std::shared_ptr<const Snapshot> Snapshots::find(const SharedTable& table) {
  const std::scoped_lock lock(mutex_);
  const auto found = std::ranges::find_if(kept_, [&](const Kept& kept) {
    return kept.table_id == table.id && kept.snapshot->version == table.version &&
           kept.location == table.location;
  });
  if (found == kept_.end()) return nullptr;
  kept_.splice(kept_.begin(), kept_, found);
  return kept_.front().snapshot;
}

void Snapshots::keep(const SharedTable& table, std::shared_ptr<const Snapshot> snapshot) {
  const std::scoped_lock lock(mutex_);
  kept_.remove_if([&](const Kept& kept) {
    if (kept.table_id != table.id) return false;
    files_ -= kept.snapshot->files.size();
    return true;
  });
  files_ += snapshot->files.size();
  kept_.push_front({table.id, table.location, std::move(snapshot)});
  while (files_ > kMostKeptFiles || kept_.size() > kMostKeptSnapshots) {
    files_ -= kept_.back().snapshot->files.size();
    kept_.pop_back();
  }
}

}  // namespace lakehouse::worker::sharing
