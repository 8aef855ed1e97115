// SPDX-License-Identifier: PostgreSQL
// Counts the rows and bytes that leave a query, and stops it at its caps. Plain regime.
#pragma once

#include <cstdint>

#include "extension/postgres/prelude.hpp"

namespace lakehouse::guard {

struct Meter {
  std::int64_t max_rows;   // 0: no cap; rows beyond it are cut off
  std::int64_t max_bytes;  // 0: no cap; beyond it the query fails
  std::int64_t rows;
  std::int64_t bytes;
  bool is_cut;
};

// A receiver that counts and passes on to `inner`; palloc'd.
DestReceiver* make_metered_receiver(DestReceiver* inner, Meter* meter);

}  // namespace lakehouse::guard
