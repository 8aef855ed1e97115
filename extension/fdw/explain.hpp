// SPDX-License-Identifier: PostgreSQL
// What EXPLAIN says of a foreign scan: the remote statement, what was pushed, what was not and why.
#pragma once

#include "extension/postgres/prelude.hpp"

namespace lakehouse::fdw {

void explain_scan(ForeignScanState* state, ExplainState* explain);

}  // namespace lakehouse::fdw
