// SPDX-License-Identifier: PostgreSQL
// Roles are looked up by name. What was found for whoever asks is kept until any role or membership
// changes: every execution asks twice, and to look each time would be 3 % of a small prepared one.
#include "extension/guard/identity.hpp"

#include "extension/settings.hpp"

namespace lakehouse::guard {
namespace {

const char kAgentRole[] = "lakehouse_agent";
const char kBypassRole[] = "lakehouse_bypass_guard";
const char kWorkerRole[] = "lakehouse_worker";

bool is_worker(Oid user) { return user == get_role_oid(kWorkerRole, true); }

// The worker may become any user, which makes it a member of everything and nothing by itself.
bool is_member(Oid user, Oid role) {
  return OidIsValid(role) && OidIsValid(user) && !is_worker(user) &&
         is_member_of_role_nosuper(user, role);
}

bool is_agent_by_role() {
  const Oid agents = get_role_oid(kAgentRole, true);
  return is_member(GetSessionUserId(), agents) || is_member(GetOuterUserId(), agents) ||
         is_member(GetUserId(), agents);
}

bool is_agent() { return settings::agent_session || (tool_depth == 0 && is_agent_by_role()); }

// All that the strength depends on, but for the catalogs.
struct Asker {
  Oid session_user;
  Oid outer_user;  // by SET ROLE
  Oid user;        // of a SECURITY DEFINER function
  bool is_switched;
  bool is_in_tool;
  bool operator==(const Asker&) const = default;
};

Asker current_asker() {
  return {GetSessionUserId(), GetOuterUserId(), GetUserId(), settings::agent_session,
          tool_depth > 0};
}

struct Look {
  Asker asker;  // no user: there was no look yet
  std::uint64_t role_changes;
  Strength strength;
};

// Process-wide by nature: a backend has one session.
Look last_look;
std::uint64_t role_changes;

void note_role_change(Datum, int, uint32) { ++role_changes; }

Strength look_up_strength() {
  if (is_agent()) return Strength::kAgent;
  if (superuser() || is_member(GetUserId(), get_role_oid(kBypassRole, true)))
    return Strength::kNone;
  return Strength::kGoverned;
}

// A change that arrives during a look is not taken for seen.
Strength strength_of(const Asker& asker) {
  if (last_look.asker == asker && last_look.role_changes == role_changes) return last_look.strength;
  const std::uint64_t changes_before = role_changes;
  last_look = {asker, changes_before, look_up_strength()};
  return last_look.strength;
}

// What the last answer was, for error reports.
struct Known {
  Oid session_user;
  Oid user;
  bool is_switched;
  bool is_agent;
};
Known known;

}  // namespace

// Process-wide by nature, as the hooks are.
int trusted_depth;
int rehearsal_depth;
int tool_depth;

Strength current_strength() {
  if (rehearsal_depth > 0 && trusted_depth == 0) return Strength::kAgent;
  if (trusted_depth > 0 || !IsNormalProcessingMode() || !OidIsValid(GetUserId()))
    return Strength::kNone;
  const Asker asker = current_asker();
  const Strength strength = strength_of(asker);
  known = {asker.session_user, asker.user, asker.is_switched, strength == Strength::kAgent};
  return strength;
}

bool is_tool_session() { return !settings::agent_session && is_worker(GetSessionUserId()); }

bool is_model_session() { return settings::agent_session && is_worker(GetSessionUserId()); }

void show_error_whole() {
  known = {GetSessionUserId(), GetUserId(), settings::agent_session, false};
}

bool is_agent_session() {
  if (known.session_user == GetSessionUserId() && known.user == GetUserId() &&
      known.is_switched == settings::agent_session)
    return known.is_agent;
  return IsTransactionState() && current_strength() == Strength::kAgent;
}

// pg_database_owner, whose members change with pg_database, can't be a member of any role.
void watch_roles() {
  CacheRegisterSyscacheCallback(AUTHOID, note_role_change, Datum{0});
  CacheRegisterSyscacheCallback(AUTHMEMROLEMEM, note_role_change, Datum{0});
}

}  // namespace lakehouse::guard
