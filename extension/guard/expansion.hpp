// SPDX-License-Identifier: PostgreSQL
// How large a query becomes while it is planned: the planner puts the expressions of sub-selects in
// the place of the columns that stand for them, so that a few lines can grow without bound, and it
// can't be cancelled then. Plain regime.
#pragma once

#include "extension/postgres/prelude.hpp"

namespace lakehouse::guard {

// Refuses a query that would have too many parts by then.
void check_expansion(const Query* query);

}  // namespace lakehouse::guard
