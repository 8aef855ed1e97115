// SPDX-License-Identifier: PostgreSQL
// Reads a tenant's chain from its first record to its last and says where it is broken.
#pragma once

#include <optional>
#include <string>

#include "core/vault/vault.hpp"
#include "worker/audit/head_file.hpp"
#include "worker/db/connection.hpp"

namespace lakehouse::worker::audit {

// In one snapshot. `known` was read from the head file before. A broken chain is a report, not an
// error.
Result<wire::AuditReport> verify_chain(db::Connection& connection, const vault::Vault& vault,
                                       const std::optional<KnownHead>& known,
                                       const std::string& tenant_id, const Context& context);

}  // namespace lakehouse::worker::audit
