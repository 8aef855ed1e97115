// SPDX-License-Identifier: PostgreSQL
// Cells: a result's text for one value becomes PostgreSQL's own representation in a BatchBuilder.
// Text forms are those of Spark SQL and of PostgreSQL itself. A value is either exact or refused,
// never bent; the only rounding is to a numeric's declared scale and of nanoseconds down to
// microseconds.
#pragma once

#include <string_view>

#include "core/warehouse/warehouse.hpp"
#include "core/wire/batch_builder.hpp"

namespace lakehouse::warehouse {

enum class CellFault : std::uint8_t {
  kNone,
  kUnreadable,  // not a form of this type
  kOutOfRange,  // PostgreSQL's type can't hold it
};

// What a reader knows of its column. `unit` is an interval's field range in words ("DAY TO SECOND")
// for texts that don't say it; empty: unknown.
struct CellColumn {
  OutputColumn output;
  std::string_view unit;
};

// Appends one cell that is not NULL, or nothing if it is at fault. `text` is valid UTF-8 with the
// remote's escapes already undone.
using CellReader = CellFault (*)(wire::BatchBuilder& builder, std::size_t column,
                                 const CellColumn& facts, std::string_view text);

CellReader reader_of(wire::CellType type);

// How an error message names a cell type: PostgreSQL's name.
std::string_view name_of(wire::CellType type);

}  // namespace lakehouse::warehouse
