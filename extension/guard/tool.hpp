// SPDX-License-Identifier: PostgreSQL
// Tools, called by the worker for a user who is an agent: `SELECT lakehouse.<tool>($1, …)` and
// nothing else passes, and the tool's own statements run as governed ones. Any other SQL of such a
// session stays an agent's. Plain regime.
#pragma once

#include "extension/postgres/prelude.hpp"

namespace lakehouse::guard {

// The function, if the query does nothing but call one with bound parameters and this session may
// call tools; else InvalidOid. It need not be a tool.
Oid tool_call_in(const Query* query);

// Refuses a function that no row of lakehouse.tools names, or a session that may not call tools.
void check_tool(Oid function);

// Runs `body` as a part of a tool; what it raises is raised.
void run_as_tool(void (*body)(void*), void* argument);

}  // namespace lakehouse::guard
