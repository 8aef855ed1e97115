// SPDX-License-Identifier: PostgreSQL
// Version: a version of a table that is being made, and the rows that say so in the database.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/base/context.hpp"
#include "core/base/result.hpp"
#include "core/delta/action.hpp"
#include "core/wire/message.hpp"
#include "worker/db/connection.hpp"
#include "worker/publish/columns.hpp"
#include "worker/publish/data_files.hpp"
#include "worker/publish/live_file.hpp"
#include "worker/publish/table.hpp"

namespace lakehouse::worker::publish {

enum class Operation : std::uint8_t { kCreate, kReload, kWrite, kOptimize };
const char* name_of(Operation operation);

struct Version {
  Operation operation = Operation::kWrite;
  bool has_new_columns = false;  // the commit says what they are
  std::vector<DataFile> added;
  std::vector<LiveFile> removed;
  std::vector<DataFile> changes;
  std::int64_t rows_added = 0, rows_changed = 0, rows_removed = 0;
  std::chrono::steady_clock::time_point begun = std::chrono::steady_clock::now();
};

// Of the job that makes a version.
struct Occasion {
  std::int64_t job_id = 0;
  std::string snapshot_at;  // as the database writes it
};

// Decides the version within the transaction of `connection`: its number is the next one, and
// table.version is raised to it. Errors: kUnavailable (somebody else publishes this table, or has
// removed it), those of the database.
Result<wire::PublishedVersion> record_version(db::Connection& connection, Table& table,
                                              const Columns& columns, const Version& version,
                                              const Occasion& occasion, const Context& context);

}  // namespace lakehouse::worker::publish
