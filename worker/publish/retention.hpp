// SPDX-License-Identifier: PostgreSQL
// Retention: forgets versions that are too old to be read, and removes the files that only they
// had.
#pragma once

#include <chrono>

#include "core/base/context.hpp"
#include "core/base/result.hpp"
#include "core/delta/store.hpp"
#include "worker/db/connection.hpp"
#include "worker/publish/debug_steps.hpp"
#include "worker/publish/table.hpp"

namespace lakehouse::worker::publish {

class Retention {
 public:
  // References outlive it.
  Retention(db::Connection& connection, const DebugSteps& steps, std::chrono::minutes span)
      : connection_(connection), steps_(steps), span_(span) {}

  Status apply(const Table& table, delta::Store& store, const Context& context);

 private:
  // The oldest version to keep; -1: nothing is too old.
  Result<std::int64_t> oldest_to_keep(const Table& table, const Context& context);
  Result<std::vector<std::string>> forget(const Table& table, std::int64_t oldest,
                                          const Context& context);

  db::Connection& connection_;
  const DebugSteps& steps_;
  const std::chrono::minutes span_;
};

}  // namespace lakehouse::worker::publish
