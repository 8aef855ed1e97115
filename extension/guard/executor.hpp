// SPDX-License-Identifier: PostgreSQL
// The executor's hooks: plans, rows and bytes. Plain regime.
#pragma once

namespace lakehouse::guard {

void install_executor_hooks();

}  // namespace lakehouse::guard
