// SPDX-License-Identifier: PostgreSQL
// LIKE patterns that PostgreSQL and Spark read alike. Both escape with a backslash, but Spark
// refuses one before an ordinary character, where PostgreSQL just drops it. Plain regime.
#pragma once

#include "extension/postgres/prelude.hpp"

namespace lakehouse::fdw {

// A constant text, not NULL, that does not end in a lone escape (PostgreSQL raises there: it stays
// local).
bool is_common_pattern(Node* node);

// The same pattern with needless escapes removed.
Const* normalise_pattern(const Const* pattern);

}  // namespace lakehouse::fdw
