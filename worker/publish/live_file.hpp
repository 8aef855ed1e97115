// SPDX-License-Identifier: PostgreSQL
// LiveFile: a data file that the newest version of a table has.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/base/context.hpp"
#include "core/base/result.hpp"
#include "worker/db/connection.hpp"

namespace lakehouse::worker::publish {

struct LiveFile {
  std::int64_t id = 0;
  std::string path;
  std::int64_t bytes = 0;
  std::int64_t rows = 0;
};

// The newest first.
Result<std::vector<LiveFile>> read_live_files(db::Connection& connection,
                                              const std::string& table_id, const Context& context);

// In the order of `ids`. Errors: kInternal (one is missing).
Result<std::vector<std::string>> read_key_filters(db::Connection& connection,
                                                  const std::string& table_id,
                                                  const std::vector<std::int64_t>& ids,
                                                  const Context& context);

// {1,2}
std::string array_text(const std::vector<std::int64_t>& numbers);

}  // namespace lakehouse::worker::publish
