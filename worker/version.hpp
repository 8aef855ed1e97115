// SPDX-License-Identifier: PostgreSQL
// The worker's version, as the build system knows it.
#pragma once

#include <string_view>

namespace lakehouse::worker {

extern const std::string_view kVersion;

}  // namespace lakehouse::worker
