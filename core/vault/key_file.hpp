// SPDX-License-Identifier: PostgreSQL
// Master keys in a file that nobody but its owner can read.
#pragma once

#include <string>

#include "core/vault/key_ring.hpp"

namespace lakehouse::vault {

// As Vault::open_file.
Result<KeyRing> read_key_file(const std::string& path);

// As Vault::create_file_if_missing. The file appears complete or not at all, also after a crash.
Result<bool> create_key_file_if_missing(const std::string& path);

}  // namespace lakehouse::vault
