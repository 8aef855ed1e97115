// SPDX-License-Identifier: PostgreSQL
// `lakehouse-worker key add`, `key list`, `key retire`: the running worker changes its master keys.
// No key is ever shown, sent or given as an argument.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/base/result.hpp"
#include "core/wire/message.hpp"

namespace lakehouse::worker::command {

// Each returns the lines to print.
Result<std::string> add_key(const std::string& socket_directory);
Result<std::string> list_keys(const std::string& socket_directory);
Result<std::string> retire_key(const std::string& socket_directory, std::uint32_t id);

std::string to_text(const std::vector<wire::ListedKey>& keys);

}  // namespace lakehouse::worker::command
