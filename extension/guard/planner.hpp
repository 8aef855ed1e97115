// SPDX-License-Identifier: PostgreSQL
// The planner's hook: the last look before a plan is made. Row filters go in here. Plain regime.
#pragma once

namespace lakehouse::guard {

void install_planner_hook();

}  // namespace lakehouse::guard
