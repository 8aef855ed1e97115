// SPDX-License-Identifier: PostgreSQL
// A command in one line, as words. Quotes group ('…' as it is, "…" with \" and \\), a backslash
// takes the next character as it is; nothing is expanded, because no shell will ever see it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.hpp"

namespace lakehouse::worker::config {

// Errors: kInvalidArgument for a quote without end or a trailing backslash.
Result<std::vector<std::string>> split_command_line(std::string_view line);

}  // namespace lakehouse::worker::config
