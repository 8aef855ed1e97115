// SPDX-License-Identifier: PostgreSQL
// Verdicts counted in shared memory, for stat_guard. Plain regime.
#pragma once

#include "extension/guard/refusal.hpp"

namespace lakehouse::guard {

// From _PG_init, while shared memory is being sized.
void request_counters();

void count_refusal(Code code);
void count_passed();

}  // namespace lakehouse::guard
