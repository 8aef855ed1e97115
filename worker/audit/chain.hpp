// SPDX-License-Identifier: PostgreSQL
// Appends one tenant's records of a round to its chain.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "core/vault/vault.hpp"
#include "worker/audit/head_file.hpp"
#include "worker/db/connection.hpp"

namespace lakehouse::worker::audit {

struct Appended {
  std::vector<std::int64_t> seqs;  // one a record, in their order
  KnownHead known;                 // for the head file, once the transaction is committed
};

// In one statement, without a transaction around it: works as long as the chain still ends with the
// head that the file knows. Nothing if it doesn't, or a record is repeated; then nothing was done.
Result<std::optional<Appended>> append_to_known(
    db::Connection& connection, const vault::Vault& vault, const KnownHead& known,
    const std::vector<const wire::RecordAudit*>& records, const Context& context);

// Inside a transaction: locks the chain's head until the end of the transaction. `records` are of
// one tenant, `known` is what the head file has of it. Errors: kNotFound (a tenant without a
// chain), the database's; then the transaction can't go on.
Result<Appended> append(db::Connection& connection, const vault::Vault& vault,
                        const std::optional<KnownHead>& known,
                        const std::vector<const wire::RecordAudit*>& records,
                        const Context& context);

}  // namespace lakehouse::worker::audit
