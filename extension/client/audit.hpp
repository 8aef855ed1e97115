// SPDX-License-Identifier: PostgreSQL
// Hands records to the worker, which writes them into lakehouse.audit_log in transactions of its
// own: what a rollback here undoes stays recorded. Fail closed: a record is durable when
// record_audit returns, else an error is raised. Keeps one connection for the session.
// Plain regime: records hold no destructor and borrow all they point to.
#pragma once

#include <cstdint>

struct pg_uuid_t;

namespace lakehouse::client {

enum class AuditPhase : std::uint8_t {
  kIntent,   // before a statement runs
  kOutcome,  // after it, whether it succeeded or failed
  kRefusal,  // it was not let run
};

inline constexpr int kStatementHashBytes = 32;  // SHA-256

struct AuditNames {
  const char* const* items = nullptr;
  int count = 0;
};

// Text is in the server's encoding; nullptr means empty, or none for code and sqlstate.
struct AuditRecord {
  const pg_uuid_t* tenant_id = nullptr;
  const pg_uuid_t* audit_id = nullptr;  // shared by a statement's intent and outcome
  AuditPhase phase = AuditPhase::kIntent;
  std::int64_t at = 0;  // TimestampTz; 0: now
  const char* session_role = nullptr;
  const char* role = nullptr;
  const char* application_name = nullptr;
  const unsigned char* statement_hash = nullptr;  // kStatementHashBytes; see statement_text.hpp
  const char* statement = nullptr;                // normalised: no literals
  AuditNames relations;                           // qualified names
  std::int64_t policy_epoch = 0;
  const char* code = nullptr;      // the guard's
  const char* sqlstate = nullptr;  // five characters
  std::int64_t rows = 0, bytes = 0, duration_us = 0;
  AuditNames remote_query_ids;
};

// Fills session_role, role and application_name. Reads the catalog, so it needs a transaction that
// has not failed; the names live in the current memory context.
void describe_session(AuditRecord& record);

// Returns when the record is durable. Raises 08001 when no worker answers within 5 s, else the
// worker's error: whoever calls must not go on. Ctrl-C works while it waits.
void record_audit(const AuditRecord& record);

// The same for the outcome of a failed transaction, in its abort: reads no catalog, never raises
// and waits no longer than half a second. False: not recorded, and a WARNING says why; the intent
// without an outcome shows it.
bool try_record_audit(const AuditRecord& record) noexcept;

}  // namespace lakehouse::client
