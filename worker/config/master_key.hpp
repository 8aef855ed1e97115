// SPDX-License-Identifier: PostgreSQL
// Opens the vault from the first master key source that is set.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "core/vault/vault.hpp"
#include "worker/config/settings.hpp"
#include "worker/log/log.hpp"

namespace lakehouse::worker::config {

// Without any source it makes <data directory>/lakehouse/master.key and warns: a copy of the data
// directory then holds key and secrets together.
Result<std::unique_ptr<vault::Vault>> open_vault(const MasterKeySource& source, log::Log& log);

// The same source once more; makes nothing.
Result<std::unique_ptr<vault::Vault>> reopen_vault(const MasterKeySource& source);

// Nothing if the keys come from a command.
std::optional<std::string> key_file_of(const MasterKeySource& source);

}  // namespace lakehouse::worker::config
