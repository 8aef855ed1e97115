// SPDX-License-Identifier: PostgreSQL
// A trail holds what the outcome repeats of the intent, so that a failed transaction can still be
// recorded without a look at the catalogs.
#include "extension/guard/audit.hpp"

#include "extension/border/border.hpp"
#include "extension/client/audit.hpp"
#include "extension/guard/identity.hpp"
#include "extension/guard/policy.hpp"
#include "extension/guard/statement_text.hpp"

namespace lakehouse::guard {

struct AuditTrail {
  client::AuditRecord record;
  pg_uuid_t tenant;
  pg_uuid_t id;
  unsigned char hash[kStatementHashSize];
  TimestampTz began;
  bool is_closed;
};

namespace {

// The protocol's fast-path call is the one that comes without a text.
const char kFastPathText[] = "<fast-path call>";

pg_uuid_t new_id() { return *DatumGetUUIDP(DirectFunctionCall1(gen_random_uuid, Datum{0})); }

void add_relations(client::AuditRecord& record, const List* relations) {
  auto** names = static_cast<const char**>(
      palloc(sizeof(char*) * static_cast<Size>(list_length(relations) + 1)));
  ListCell* cell;
  foreach (cell, relations) {
    const Oid relation = lfirst_oid(cell);
    names[record.relations.count++] = quote_qualified_identifier(
        get_namespace_name(get_rel_namespace(relation)), get_rel_name(relation));
    const std::int64_t epoch = find_policy(relation)->epoch;
    if (epoch > record.policy_epoch) record.policy_epoch = epoch;
  }
  record.relations.items = names;
}

// False if the statement concerns no tenant.
bool find_tenant(const List* relations, pg_uuid_t& tenant) {
  if (relations != NIL) {
    const Policy* policy = find_policy(linitial_oid(relations));
    tenant = policy->tenant;
    return policy->has_tenant;
  }
  return find_tenant_of_role(GetUserId(), tenant);
}

AuditTrail* begin_trail(const char* text, const List* relations) {
  pg_uuid_t tenant{};
  if (!find_tenant(relations, tenant)) return nullptr;
  auto* trail = static_cast<AuditTrail*>(palloc0(sizeof(AuditTrail)));
  trail->record = client::AuditRecord{};
  trail->tenant = tenant;
  trail->id = new_id();
  trail->began = GetCurrentTimestamp();
  trail->record.tenant_id = &trail->tenant;
  trail->record.audit_id = &trail->id;
  trail->record.statement_hash = trail->hash;
  hash_statement(text, trail->hash);
  trail->record.statement = normalise_statement(text);
  client::describe_session(trail->record);
  add_relations(trail->record, relations);
  return trail;
}

void close_trail(AuditTrail* trail, const AuditOutcome& outcome) {
  trail->is_closed = true;
  trail->record.phase = client::AuditPhase::kOutcome;
  trail->record.at = 0;
  trail->record.rows = outcome.rows;
  trail->record.bytes = outcome.bytes;
  trail->record.duration_us = GetCurrentTimestamp() - trail->began;
}

// nullptr if the statement is no tenant's business.
AuditTrail* trail_of_refusal(Code code) {
  // A superuser is a member of every tenant's roles, and no tenant's business.
  if (rehearsal_depth > 0 || !IsTransactionState() || current_strength() == Strength::kNone)
    return nullptr;
  const char* text = debug_query_string != nullptr ? debug_query_string : kFastPathText;
  AuditTrail* trail = begin_trail(text, NIL);
  if (trail == nullptr) return nullptr;
  trail->record.phase = client::AuditPhase::kRefusal;
  trail->record.code = facts_of(code).name;
  trail->record.sqlstate = unpack_sql_state(facts_of(code).sqlstate);
  return trail;
}

}  // namespace

AuditTrail* audit_intent(const char* text, const List* relations, MemoryContext memory) {
  MemoryContext caller = MemoryContextSwitchTo(memory);
  AuditTrail* trail = begin_trail(text, relations);
  if (trail != nullptr) client::record_audit(trail->record);
  MemoryContextSwitchTo(caller);
  return trail;
}

char* audit_id_of(const AuditTrail* trail) {
  return DatumGetCString(DirectFunctionCall1(uuid_out, UUIDPGetDatum(&trail->id)));
}

void audit_outcome(AuditTrail* trail, const AuditOutcome& outcome) {
  if (trail == nullptr || trail->is_closed) return;
  close_trail(trail, outcome);
  auto** ids = static_cast<const char**>(
      palloc(sizeof(char*) * static_cast<Size>(list_length(outcome.remote_query_ids) + 1)));
  ListCell* cell;
  foreach (cell, outcome.remote_query_ids) {
    ids[trail->record.remote_query_ids.count++] = strVal(lfirst(cell));
  }
  trail->record.remote_query_ids.items = ids;
  client::record_audit(trail->record);
}

void audit_failure(AuditTrail* trail, const AuditOutcome& outcome, int sqlstate) noexcept {
  if (trail == nullptr || trail->is_closed) return;
  close_trail(trail, outcome);
  if (sqlstate != 0) trail->record.sqlstate = unpack_sql_state(sqlstate);
  client::try_record_audit(trail->record);
}

void audit_refusal(Code code) {
  if (const AuditTrail* trail = trail_of_refusal(code)) client::record_audit(trail->record);
}

void try_audit_refusal(Code code) noexcept {
  ErrorData* error = border::run_guarded(
      [](void* argument) {
        const AuditTrail* trail = trail_of_refusal(*static_cast<Code*>(argument));
        if (trail != nullptr) (void)client::try_record_audit(trail->record);
      },
      &code);
  if (error != nullptr) FreeErrorData(error);
}

}  // namespace lakehouse::guard
