// SPDX-License-Identifier: PostgreSQL
// Decimal text to PostgreSQL's numeric as it lies on disk (the layout that numeric.c documents):
// base 10000 digits without leading or trailing zero digits, in the short header form where weight
// and scale fit, else in the long one.
#pragma once

#include <cstddef>
#include <string_view>

#include "core/warehouse/cell.hpp"

namespace lakehouse::warehouse {

// The most bytes that encode_numeric writes for so many characters of text.
constexpr std::size_t numeric_room(std::size_t text_size) { return text_size + 16; }

// Writes the varlena's payload to `out` and its length to `size`. With precision > 0 the value is
// rounded half away from zero to `scale` and refused if more than precision - scale digits stand
// before the point, as numeric(p,s) does; with precision 0 the text's own scale is kept. NaN and
// ±Infinity are values, but no numeric(p,s) is infinite.
CellFault encode_numeric(std::string_view text, int precision, int scale, char* out,
                         std::size_t& size);

}  // namespace lakehouse::warehouse
