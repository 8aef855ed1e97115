// SPDX-License-Identifier: PostgreSQL
// `lakehouse-worker status`: what the running worker says about itself, for people.
#pragma once

#include <string>

#include "core/base/result.hpp"
#include "core/wire/message.hpp"

namespace lakehouse::worker::command {

// Lines to print.
Result<std::string> show_status(const std::string& socket_directory);
std::string to_text(const wire::WorkerReport& report);

}  // namespace lakehouse::worker::command
