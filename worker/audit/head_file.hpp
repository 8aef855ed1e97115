// SPDX-License-Identifier: PostgreSQL
// HeadFile: the last hash of each chain that this worker has appended to, outside the database, so
// that putting an older copy of the database back does not go unseen.
// Text, one line a slot and two slots a tenant, written in turn: a torn write leaves the other one.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "core/base/result.hpp"
#include "worker/audit/entry.hpp"
#include "worker/io/descriptor.hpp"

namespace lakehouse::worker::audit {

struct KnownHead {
  Head head;
  std::int64_t first_seq = 0;  // the first record that this file has seen
  std::int64_t lost_seq = 0;   // the first record that the database had lost once; 0: none
};

class HeadFile {
 public:
  // Makes the file (0600) if it is missing, and locks it for life. Errors: kUnavailable.
  static Result<std::unique_ptr<HeadFile>> open(const std::string& path);
  ~HeadFile();

  std::optional<KnownHead> find(const std::string& tenant_id) const;

  // Written on return, on the disk soon after. Errors: kUnavailable, also when an earlier head
  // could not be brought to the disk.
  Status store(const std::string& tenant_id, const KnownHead& known);

 private:
  struct Place {
    KnownHead known;
    std::uint64_t generation = 0;  // of the newer slot
    std::int64_t index = 0;        // of the tenant's two slots
  };

  HeadFile(io::Descriptor file, std::string path)
      : file_(std::move(file)), path_(std::move(path)) {}
  Status load();
  void take_line(std::string_view line, std::int64_t slot);
  void sync_until(const std::stop_token& stop);
  Error system_error(const char* what, int number) const;

  const io::Descriptor file_;
  const std::string path_;
  mutable std::mutex mutex_;
  std::condition_variable_any changed_;
  std::map<std::string, Place> places_;
  std::int64_t place_count_ = 0;
  bool is_synced_ = true;
  int sync_failure_ = 0;  // errno of the last sync
  std::jthread syncing_;
};

}  // namespace lakehouse::worker::audit
