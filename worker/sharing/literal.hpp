// SPDX-License-Identifier: PostgreSQL
// How a literal of a predicate stands to a bound of statistics, by the column's type.
#pragma once

#include <compare>
#include <cstdint>
#include <string_view>

namespace lakehouse::worker::sharing {

// Unordered: they can't be compared, or are too near to each other to be told apart for sure.
std::partial_ordering compare(std::string_view type, std::string_view literal,
                              std::string_view bound);

// Of two decimal numbers in JSON's form, exactly, whatever their size. Unordered if one is none.
std::partial_ordering compare_numbers(std::string_view left, std::string_view right);

}  // namespace lakehouse::worker::sharing
