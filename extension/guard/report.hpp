// SPDX-License-Identifier: PostgreSQL
// What an agent reads when its query fails. Plain regime.
#pragma once

#include "extension/postgres/prelude.hpp"

namespace lakehouse::guard {

// The same for an error of the analysis of `text`: what is missing answers as what is denied. The
// transaction must be whole, and aborted afterwards.
ErrorData* answer_to(ErrorData* error, const char* text);

// The guard's code that a refusal's message names; nullptr if the error is none. Static.
const char* code_in(const ErrorData* report);

void install_report_hook();

}  // namespace lakehouse::guard
