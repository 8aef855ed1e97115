// SPDX-License-Identifier: PostgreSQL
// Checkpoints: writes a table's state beside its log every so many versions, from the database, and
// removes what of the log no reader needs after that.
#pragma once

#include <cstdint>
#include <string>

#include "core/base/context.hpp"
#include "core/base/result.hpp"
#include "core/delta/checkpoint.hpp"
#include "core/delta/store.hpp"
#include "worker/db/connection.hpp"
#include "worker/publish/debug_steps.hpp"
#include "worker/publish/table.hpp"

namespace lakehouse::worker::publish {

class Checkpoints {
 public:
  // References outlive it.
  Checkpoints(db::Connection& connection, const DebugSteps& steps)
      : connection_(connection), steps_(steps) {}

  // Of a table all of whose versions are stored; table.version is its newest.
  Status write_if_due(const Table& table, delta::Store& store, const Context& context);

 private:
  Result<std::int64_t> newest_checkpoint(const Table& table, delta::Store& store,
                                         const Context& context);
  Result<delta::TableState> read_state(const Table& table, const Context& context);
  Status read_files(const Table& table, delta::TableState& state, const Context& context);
  Status write(const Table& table, delta::Store& store, const Context& context);
  Status clean_log(const Table& table, delta::Store& store, const Context& context);

  db::Connection& connection_;
  const DebugSteps& steps_;
};

}  // namespace lakehouse::worker::publish
