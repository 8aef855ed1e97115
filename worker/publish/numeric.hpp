// SPDX-License-Identifier: PostgreSQL
// PostgreSQL's numeric, as it sends it in binary: digits of base 10,000.
#pragma once

#include <cstdint>
#include <string_view>

#include "core/base/result.hpp"
#include "core/delta/batch.hpp"

namespace lakehouse::worker::publish {

// 10^scale times the number. Errors: kValueOutOfRange (NaN, infinity, more than 38 digits, or
// digits beyond the scale), kInternal (no numeric).
Result<delta::Int128> unscaled_numeric(std::string_view bytes, int scale);

}  // namespace lakehouse::worker::publish
