// SPDX-License-Identifier: PostgreSQL
// What an agent reads when its query fails. Plain regime.
#pragma once

#include "extension/postgres/prelude.hpp"

namespace lakehouse::guard {

// Rewrites an error as an agent may read it.
void present(ErrorData* report);

// The guard's code that a refusal's message names; nullptr if the error is none. Static.
const char* code_in(const ErrorData* report);

void install_report_hook();

}  // namespace lakehouse::guard
