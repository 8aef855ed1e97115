// SPDX-License-Identifier: PostgreSQL
// The parser's hook: an agent's statements as they were written. Plain regime.
#pragma once

namespace lakehouse::guard {

void install_analyse_hook();

}  // namespace lakehouse::guard
