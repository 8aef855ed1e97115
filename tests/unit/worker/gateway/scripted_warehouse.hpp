// SPDX-License-Identifier: PostgreSQL
// A warehouse that does what a test's script says: where it blocks, fails or throws, and how many
// batches it has. It records what was asked of it.
#pragma once

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <ostream>
#include <string>
#include <vector>

#include "core/warehouse/warehouse.hpp"

namespace lakehouse::worker::test {

enum class Phase { kNone, kSubmit, kWait, kBatch };
void PrintTo(Phase phase, std::ostream* out);

struct Script {
  // What to do; set before the scan begins.
  Phase blocks_in = Phase::kNone;  // until stopped or out of time
  Phase fails_in = Phase::kNone;
  Phase throws_bad_alloc_in = Phase::kNone;
  Error failure{ErrorCode::kRemoteSql, "remote failed", "Remote code 42.", "Try again."};
  std::uint32_t batches = 3;
  std::size_t batch_bytes = 16;

  // What happened.
  std::mutex mutex;
  std::vector<warehouse::Query> queries;
  warehouse::TableSelection selection;
  std::atomic<int> submitted = 0, open = 0, cancelled = 0, closed = 0, blocked = 0;
  std::atomic<std::uint32_t> taken_batches = 0;
};

// The bytes of batch number `index`.
std::string batch_bytes(const Script& script, std::uint32_t index);

std::shared_ptr<warehouse::Warehouse> make_scripted_warehouse(Script& script);

}  // namespace lakehouse::worker::test
