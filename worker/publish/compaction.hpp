// SPDX-License-Identifier: PostgreSQL
// Compaction: puts several small files of a table into one, so that there are few whatever the
// number of publishes.
#pragma once

#include <optional>
#include <vector>

#include "core/base/context.hpp"
#include "core/base/result.hpp"
#include "worker/publish/live_file.hpp"
#include "worker/publish/table_work.hpp"
#include "worker/publish/version.hpp"

namespace lakehouse::worker::publish {

// Which files to merge next, of `files`, the newest first; none if there is no need.
std::vector<LiveFile> files_to_merge(const std::vector<LiveFile>& files);

// Writes the merged file, if there is need; the version is not recorded yet.
Result<std::optional<Version>> compact(const TableWork& work, const Context& context);

}  // namespace lakehouse::worker::publish
