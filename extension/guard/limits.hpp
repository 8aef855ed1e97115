// SPDX-License-Identifier: PostgreSQL
// What one statement of an agent may use of the machine. Plain regime.
#pragma once

namespace lakehouse::guard {

// Time and memory of this session, from its first statement on; idempotent.
void apply_agent_limits();

}  // namespace lakehouse::guard
