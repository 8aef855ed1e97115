// SPDX-License-Identifier: PostgreSQL
// Roles are looked up by name each time: the server caches both the name and the memberships.
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

// What the last look found. Process-wide by nature: a backend has one session.
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
  known = {GetSessionUserId(), GetUserId(), settings::agent_session, is_agent()};
  if (known.is_agent) return Strength::kAgent;
  if (superuser() || is_member(GetUserId(), get_role_oid(kBypassRole, true)))
    return Strength::kNone;
  return Strength::kGoverned;
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

}  // namespace lakehouse::guard
