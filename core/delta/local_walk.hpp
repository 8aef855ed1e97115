// SPDX-License-Identifier: PostgreSQL
// Walks through the directories of a LocalStore, following no symbolic link. A file or folder that
// vanishes meanwhile is left out.
#pragma once

#include <chrono>
#include <cstdint>
#include <string_view>
#include <vector>

#include "core/base/file_descriptor.hpp"
#include "core/delta/store.hpp"

namespace lakehouse::delta {

// `number` is an errno; the message ends with what it means.
Error system_error(std::string_view what, int number);

Result<std::vector<StoredFile>> list_files(const FileDescriptor& root, std::string_view prefix,
                                           const Context& context);
// Removes the unfinished uploads whose names begin with `prefix`, last written before that time.
// Returns how many.
Result<std::int64_t> unlink_unfinished(const FileDescriptor& root, std::string_view prefix,
                                       std::chrono::system_clock::time_point before,
                                       const Context& context);

}  // namespace lakehouse::delta
