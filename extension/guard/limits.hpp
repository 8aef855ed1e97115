// SPDX-License-Identifier: PostgreSQL
// What one statement of an agent may use of the machine. Plain regime.
#pragma once

namespace lakehouse::guard {

// Before the session's first statement: whose session it is. A text takes memory before anybody
// looks at it.
void begin_session();

// Time and memory of this session, from the first moment that an agent is known: to analyse and to
// plan take of both as well. Idempotent.
void apply_agent_limits();

// The memory that an agent's session has: all of it while a statement is planned and run, less
// until then. Neither does anything in another session.
void allow_execution_memory();
void expect_analysis() noexcept;

}  // namespace lakehouse::guard
