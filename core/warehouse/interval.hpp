// SPDX-License-Identifier: PostgreSQL
// Intervals from Spark's text to PostgreSQL's months, days and microseconds. Source of the forms:
// the Spark SQL literal reference, "Interval Literal" in ANSI style.
#pragma once

#include <string_view>

#include "core/warehouse/cell.hpp"

namespace lakehouse::warehouse {

// INTERVAL '1-2' YEAR TO MONTH, INTERVAL '-1 02:03:04.5' DAY TO SECOND, the text between the quotes
// alone, and a single field with its unit. A sign covers the whole value. `unit` ("DAY", "HOUR TO
// SECOND") says what a bare text means where its form leaves that open; empty: unknown, and such a
// text is refused.
CellFault read_interval(std::string_view text, std::string_view unit, wire::Interval& interval);

}  // namespace lakehouse::warehouse
