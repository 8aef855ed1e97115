// SPDX-License-Identifier: PostgreSQL
// What one statement of an agent may use of the machine. Plain regime.
#pragma once

namespace lakehouse::guard {

// Time and memory of this session, from the first moment that an agent is known: to analyse and to
// plan take of both as well. Idempotent.
void apply_agent_limits();

}  // namespace lakehouse::guard
