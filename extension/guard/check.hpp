// SPDX-License-Identifier: PostgreSQL
// The rules, applied to an analysed query: what an agent may write, and what anybody may see of a
// governed table. Works on OIDs and attribute numbers only. Plain regime.
#pragma once

#include "extension/guard/policy.hpp"
#include "extension/postgres/prelude.hpp"

namespace lakehouse::guard {

// An agent's whole query, sub-queries included: shape, relations, columns, functions, types, size.
// Refuses or returns.
void check_agent_query(const Query* query);

// One SELECT text an agent sends: a single statement of bounded length. `source` is what the
// client sent. Returns it parsed, as a list of at most one RawStmt.
List* check_single_statement(const char* source);

// Of one that is only parsed: it must be a SELECT, or among the utility statements that pass.
void check_statement(Node* statement);

// current_user and its like are refused, dates and times of now pass.
void check_value_function(const SQLValueFunction* function);

// The query reads columns that it does not name; says nothing of those that are hidden.
[[noreturn]] void refuse_every_column(const Policy* policy, const char* name);

// May an agent name the table at all?
bool is_open_to_agent(const Policy* policy);

// Refuses unless the current role may see `policy`'s table, and these columns of it.
void check_access(const Policy* policy, const char* name, const Bitmapset* columns,
                  std::uint64_t permissions, bool is_agent);

}  // namespace lakehouse::guard
