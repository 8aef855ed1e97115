// SPDX-License-Identifier: PostgreSQL
// Checkpoint: the state of a table at a version as one Parquet file, so that readers need not
// replay the log from its beginning. Source: Delta protocol, "Checkpoints", the classic single
// file.
#pragma once

#include <cstdint>
#include <vector>

#include "core/base/result.hpp"
#include "core/delta/action.hpp"
#include "core/delta/stream.hpp"

namespace lakehouse::delta {

struct TableState {
  Protocol protocol;
  Metadata metadata;
  std::vector<Transaction> transactions;
  std::vector<AddFile> files;
  // Removed files that a reader of an older version, or a vacuum, may still ask for.
  std::vector<RemoveFile> removed;
};

// Errors: those of `sink`, kOutOfMemory. Returns what _last_checkpoint is to say of `version`.
Result<LastCheckpoint> write_checkpoint(const TableState& state, std::int64_t version, Sink& sink);

}  // namespace lakehouse::delta
