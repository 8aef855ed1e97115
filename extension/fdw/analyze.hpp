// SPDX-License-Identifier: PostgreSQL
// ANALYZE: the remote row count and a sample, so that joins are planned with real sizes.
#pragma once

#include "extension/postgres/prelude.hpp"

namespace lakehouse::fdw {

bool prepare_analyze(Relation relation, AcquireSampleRowsFunc* acquire, BlockNumber* pages);

}  // namespace lakehouse::fdw
