// SPDX-License-Identifier: PostgreSQL
// What the worker counts about itself since its start. One object, passed by reference; no globals.
#pragma once

#include <atomic>
#include <cstdint>

namespace lakehouse::worker::metrics {

struct Counters {
  using Count = std::atomic<std::uint64_t>;

  Count open_connections = 0;  // of backends and commands, now
  Count open_scans = 0;        // now
  Count scans_succeeded = 0;
  Count scans_failed = 0;
  Count scans_cancelled = 0;  // by the client, by its going away or by a stop of the worker
  Count scan_rows = 0;
  Count received_bytes = 0;    // of results, from warehouses
  Count secrets_resealed = 0;  // re-encrypted with a newer master key
  Count served_http_requests = 0;
  Count publishes_succeeded = 0;  // jobs, also those that found nothing to do
  Count publishes_failed = 0;     // wholly or in part
  Count published_rows = 0;       // added, changed or removed
  Count published_bytes = 0;      // of data and change files
};

// Counts up for as long as it lives.
class Presence {
 public:
  explicit Presence(Counters::Count& count) : count_(count) { ++count_; }
  ~Presence() { --count_; }
  Presence(const Presence&) = delete;
  Presence& operator=(const Presence&) = delete;

 private:
  Counters::Count& count_;
};

}  // namespace lakehouse::worker::metrics
