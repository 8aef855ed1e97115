// SPDX-License-Identifier: PostgreSQL
// The guard as a whole. Plain regime.
#pragma once

namespace lakehouse::guard {

// From _PG_init: every hook, chained to those that were there.
void install();

// Did the guard see this session from its start? Without that nothing governed is read.
bool is_in_force();

}  // namespace lakehouse::guard
