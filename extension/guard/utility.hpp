// SPDX-License-Identifier: PostgreSQL
// The hook of utility statements: agents have none but transactions. Plain regime.
#pragma once

#include "extension/postgres/prelude.hpp"

namespace lakehouse::guard {

// Refuses a utility statement that an agent may not send; other statements pass.
void check_utility(Node* statement);

void install_utility_hook();

}  // namespace lakehouse::guard
