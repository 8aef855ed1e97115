// SPDX-License-Identifier: PostgreSQL
// The requestState of a call that waits for its client (2026-07-28, basic/patterns/mrtr): what the
// tool remembers, sealed, since it comes back from whoever holds it. Good for the same user,
// method and name, for ten minutes.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "core/vault/vault.hpp"
#include "worker/mcp/exchange.hpp"

namespace lakehouse::worker::mcp {

// `name`: of the tool, prompt or resource.
Result<std::string> seal_state(const vault::Vault& vault, const Exchange& exchange,
                               std::string_view name, std::string_view state);
// Nothing if it is not ours, not for this, or too old.
std::optional<std::string> open_state(const vault::Vault& vault, const Exchange& exchange,
                                      std::string_view name, std::string_view sealed);

}  // namespace lakehouse::worker::mcp
