// SPDX-License-Identifier: PostgreSQL
// The parser's hook: an agent's statements as they were written. Plain regime.
#pragma once

namespace lakehouse::guard {

// Has the session's current statement come through the analysis? An error of one that has not may
// be about what it names.
bool is_analysed();

void install_analyse_hook();

}  // namespace lakehouse::guard
