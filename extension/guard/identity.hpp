// SPDX-License-Identifier: PostgreSQL
// Whom the guard has before it. Plain regime.
#pragma once

#include <cstdint>

#include "extension/postgres/prelude.hpp"

namespace lakehouse::guard {

enum class Strength : std::uint8_t {
  kNone,      // superusers, members of lakehouse_bypass_guard, and the guard's own queries
  kGoverned,  // everybody else: governed tables show exposed columns and filtered rows
  kAgent,     // members of lakehouse_agent, by session or current role, and every session with
              // lakehouse.agent_session: one allow-listed SELECT
};

// Cheap: roles are looked up only when they, their members or who asks have changed.
Strength current_strength();

// While the guard reads its own policies, its hooks let everything pass. Restored on error by the
// caller's PG_FINALLY.
extern int trusted_depth;

// While explain_guard() rehearses a text, everybody counts as an agent.
extern int rehearsal_depth;

// While a tool runs: it is the worker's to choose, so its statements are nobody's SQL but ours. By
// role alone an agent is then as governed as anybody else; with lakehouse.agent_session it stays an
// agent.
extern int tool_depth;

// A session of the worker, as a user, that carries no SQL of a model's: it may call tools.
bool is_tool_session();

// A session of the worker that carries a model's SQL.
bool is_model_session();

// What a tool raises is not rewritten, as what an agent's SQL raises is. Holds for this error.
void show_error_whole();

// For error reports: looks up roles only when they changed since the last look.
bool is_agent_session();

// Once, when the library is loaded: notes every change of a role or membership.
void watch_roles();

}  // namespace lakehouse::guard
