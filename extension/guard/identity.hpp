// SPDX-License-Identifier: PostgreSQL
// Whom the guard has before it. Plain regime.
#pragma once

#include <cstdint>

#include "extension/postgres/prelude.hpp"

namespace lakehouse::guard {

enum class Strength : std::uint8_t {
  kNone,      // superusers, members of lakehouse_bypass_guard, and the guard's own queries
  kGoverned,  // everybody else: governed tables show exposed columns and filtered rows
  kAgent,     // members of lakehouse_agent, by session or current role: one allow-listed SELECT
};

Strength current_strength();

// While the guard reads its own policies, its hooks let everything pass. Restored on error by the
// caller's PG_FINALLY.
extern int trusted_depth;

// While explain_guard() rehearses a text, everybody counts as an agent.
extern int rehearsal_depth;

// For error reports: looks up roles only when they changed since the last look.
bool is_agent_session();

}  // namespace lakehouse::guard
