// SPDX-License-Identifier: PostgreSQL
// Executor callbacks of a foreign scan. A row costs a few loads and stores: the worker has built
// the values already, and the border is crossed once a batch.
#pragma once

#include <cstdint>

#include "extension/postgres/prelude.hpp"

namespace lakehouse::fdw {

void begin_scan(ForeignScanState* state, int executor_flags);
TupleTableSlot* next_row(ForeignScanState* state);
void rescan(ForeignScanState* state);
void end_scan(ForeignScanState* state);

// What EXPLAIN ANALYZE shows of a scan that ran; nullptr texts where it did not.
struct ScanReport {
  const char* query_id;
  double remote_ms;
  std::uint64_t bytes_received;
  std::uint64_t chunks;
};
ScanReport report_of(const ForeignScanState* state);

}  // namespace lakehouse::fdw
