// SPDX-License-Identifier: PostgreSQL
// UniqueKeys: whether the rows of files that were just written have different keys. For sources
// whose keys no index proves, so that a table that could not be kept up is not begun.
#pragma once

#include <vector>

#include "core/base/context.hpp"
#include "core/base/result.hpp"
#include "worker/publish/data_files.hpp"
#include "worker/publish/table_work.hpp"

namespace lakehouse::worker::publish {

// Reads the key's columns alone, as often as memory demands. Errors: duplicate_key_error(), those
// of the store.
Status check_unique_keys(const TableWork& work, const std::vector<DataFile>& files,
                         const Context& context);

// Names the key's columns, and no value.
Error duplicate_key_error(const Table& table);

}  // namespace lakehouse::worker::publish
