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

// Appends a random key; its id is one more than the highest of the file and `above`. Whoever reads
// the file meanwhile, or after a crash, finds it as it was or complete. Changes wait for each
// other, up to 2 s. Errors: as read_key_file; kUnauthenticated if it can't be replaced.
Result<std::uint32_t> add_key_to_file(const std::string& path, std::uint32_t above);

// Takes a key's line out in the same way; false if there is none. Never the writing key's.
Result<bool> remove_key_from_file(const std::string& path, std::uint32_t id);

}  // namespace lakehouse::vault
