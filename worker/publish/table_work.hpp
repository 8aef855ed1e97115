// SPDX-License-Identifier: PostgreSQL
// TableWork: what every way of publishing a table works with.
#pragma once

#include <cstddef>
#include <vector>

#include "core/delta/store.hpp"
#include "worker/db/connection.hpp"
#include "worker/publish/columns.hpp"
#include "worker/publish/data_files.hpp"
#include "worker/publish/progress.hpp"
#include "worker/publish/row_source.hpp"
#include "worker/publish/table.hpp"

namespace lakehouse::worker::publish {

struct TableWork {
  const Table& table;
  const Columns& columns;
  const std::vector<std::size_t>& key;  // places of the key's columns
  const Folder& folder;
  db::Connection& catalog;  // in the transaction of the publish
  Progress& progress;
};

}  // namespace lakehouse::worker::publish
