// SPDX-License-Identifier: PostgreSQL
// Master keys from a program, such as the command-line client of a key management service.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "core/vault/key_ring.hpp"

namespace lakehouse::vault {

inline constexpr std::chrono::seconds kCommandTimeLimit{5};
inline constexpr std::size_t kMaxCommandOutputBytes = 4096;

// As Vault::open_command. The program's path is absolute; it gets this process's environment, no
// input and no open file but its output. When the time is over its whole process group is killed.
Result<KeyRing> run_key_command(const std::vector<std::string>& command,
                                std::chrono::milliseconds time_limit = kCommandTimeLimit);

}  // namespace lakehouse::vault
