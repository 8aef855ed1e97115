// SPDX-License-Identifier: PostgreSQL
// Reload: every row of a table anew, in place of all its files.
#pragma once

#include "core/base/context.hpp"
#include "core/base/result.hpp"
#include "worker/publish/table_work.hpp"
#include "worker/publish/version.hpp"

namespace lakehouse::worker::publish {

// Writes the files; the version is not recorded yet.
Result<Version> reload(const TableWork& work, RowSource& source, const Context& context);

}  // namespace lakehouse::worker::publish
