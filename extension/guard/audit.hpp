// SPDX-License-Identifier: PostgreSQL
// What the audit log is told of a guarded statement: its intent before it runs, its outcome after,
// and refusals. Plain regime.
#pragma once

#include <cstdint>

#include "extension/guard/refusal.hpp"
#include "extension/postgres/prelude.hpp"

namespace lakehouse::guard {

struct AuditTrail;

// Returns when the intent is durable; raises when it can't be recorded. `relations`: OIDs of the
// governed tables. nullptr if neither they nor the role belong to a tenant. Lives in `memory`.
AuditTrail* audit_intent(const char* text, const List* relations, MemoryContext memory);

// The statement's id in the log, as text; palloc'd.
char* audit_id_of(const AuditTrail* trail);

struct AuditOutcome {
  std::int64_t rows;
  std::int64_t bytes;
  const List* remote_query_ids;  // of String
};

// After success: durable on return, else it raises. Once only.
void audit_outcome(AuditTrail* trail, const AuditOutcome& outcome);

// After failure, in a transaction that may be aborting: never raises. Once only, and not after the
// other. `sqlstate`: 0 if not known.
void audit_failure(AuditTrail* trail, const AuditOutcome& outcome, int sqlstate) noexcept;

// Before the refusal is raised.
void audit_refusal(Code code);

// While it is reported: never raises.
void try_audit_refusal(Code code) noexcept;

}  // namespace lakehouse::guard
