// SPDX-License-Identifier: PostgreSQL
// Dates and timestamps from text to PostgreSQL's counts from 2000-01-01, in the proleptic Gregorian
// calendar with astronomical years, as Spark and ISO 8601 write them: year 0 is 1 BC, "-0043" is 44
// BC, "+10000" comes after 9999.
#pragma once

#include <cstdint>
#include <string_view>

#include "core/warehouse/cell.hpp"

namespace lakehouse::warehouse {

// "2021-06-15". Range: 4713 BC to 5874897 AD.
CellFault read_date(std::string_view text, std::int32_t& days);

// Whole microseconds since 1970-01-01 UTC ("1623792896789000"), or a date and time of day:
// "2021-06-15T12:34:56.789", also with a blank for the T, with up to nine fraction digits (those
// past the sixth are dropped), and with Z or an offset behind it; without one it is UTC. Range:
// 4713 BC to 294276 AD.
CellFault read_timestamp(std::string_view text, std::int64_t& microseconds);

}  // namespace lakehouse::warehouse
