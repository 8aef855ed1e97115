// SPDX-License-Identifier: PostgreSQL
// Sweep: removes files that no version has: what a publish left that failed or died, and what is in
// the folders of tables that are published no more.
#pragma once

#include <cstdint>
#include <string>

#include "core/base/context.hpp"
#include "core/base/result.hpp"
#include "core/delta/store.hpp"
#include "worker/db/connection.hpp"
#include "worker/publish/stores.hpp"
#include "worker/publish/table.hpp"

namespace lakehouse::worker::publish {

class Sweep {
 public:
  // References outlive it.
  Sweep(db::Connection& connection, Stores& stores) : connection_(connection), stores_(stores) {}

  // How many files went. Only while nobody else publishes the table's tenant.
  Result<std::int64_t> clean_table(const Table& table, const Context& context);
  // Of all tenants that nobody publishes now. Folders of a store that fails stay for another time;
  // the error is then of one of these.
  Result<std::int64_t> empty_abandoned_folders(const Context& context);

 private:
  Result<std::int64_t> empty_folder(const std::string& store_id, const std::string& location,
                                    const Context& context);

  db::Connection& connection_;
  Stores& stores_;
};

}  // namespace lakehouse::worker::publish
