// SPDX-License-Identifier: PostgreSQL
// Some built-in functions, LIKE among them, take the product of two lengths and test for no
// interrupt meanwhile. Where an agent's query computes their arguments, lakehouse.limit_size() is
// put around them; constants that are small and stored columns stay as they are. Plain regime.
#pragma once

#include "extension/postgres/prelude.hpp"

namespace lakehouse::guard {

// Changes the query in place; it must have been checked and be the planner's own.
void limit_sizes(Query* query);

// OID of lakehouse.limit_size(); InvalidOid if the extension is not installed.
Oid size_limiter();

}  // namespace lakehouse::guard
