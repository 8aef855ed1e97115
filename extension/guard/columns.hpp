// SPDX-License-Identifier: PostgreSQL
// Which columns of a table there are for the current role, as an agent. Plain regime.
#pragma once

#include "extension/guard/policy.hpp"
#include "extension/postgres/prelude.hpp"

namespace lakehouse::guard {

// Of a governed table the exposed ones, of a CRM table those that the role may select.
bool is_shown(const Policy* policy, AttrNumber column);

// Names, as String, in the table's order.
List* shown_columns(const Policy* policy);
bool has_hidden_columns(const Policy* policy);

// `<name> has <columns>.`
char* describe_columns(const Policy* policy, const char* name);

}  // namespace lakehouse::guard
