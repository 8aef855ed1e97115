// SPDX-License-Identifier: PostgreSQL
// Values on their way to the warehouse: always bound, never part of the statement's text. Plain
// regime.
#pragma once

#include "extension/postgres/prelude.hpp"

namespace lakehouse::fdw {

// Digits before and after the point. A value that only the execution knows may have so many and no
// more, which the planner relies on when it ships a comparison of decimals.
inline constexpr int kParameterWhole = 19;
inline constexpr int kParameterScale = 19;

struct DecimalDigits {
  int whole;
  int scale;
  bool is_finite;
};
DecimalDigits digits_of(Datum numeric);

struct Parameter {
  const char* type;   // the engine's name: BIGINT, DECIMAL(5, 2) …; palloc'd or static
  const char* value;  // UTF-8; nullptr: NULL
};

// False for what no remote type holds: infinite dates, NaN numerics, more than 38 digits, years
// outside 1 … 9999.
bool is_sendable(const Const* constant);

// ERROR HV004 with a HINT where is_sendable would say no.
Parameter make_parameter(Oid type, Datum value, bool is_null, bool is_constant);

}  // namespace lakehouse::fdw
