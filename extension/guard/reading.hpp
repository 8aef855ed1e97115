// SPDX-License-Identifier: PostgreSQL
// A second look at a statement of an agent's that failed, as if what it may not see did not exist:
// so what is missing and what is denied answer alike. Plain regime.
#pragma once

#include "extension/postgres/prelude.hpp"

namespace lakehouse::guard {

// The error that the statement meets then, to be told as it is; nullptr if it meets none. Looks up
// names and so needs a whole transaction, which the caller must abort. Never raises; an error that
// is being reported is flushed.
ErrorData* read_again(const char* text);

// Puts `refusal` in the place of what an error says.
struct Refusal;
void replace(ErrorData* error, const Refusal& refusal);

}  // namespace lakehouse::guard
