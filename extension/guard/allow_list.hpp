// SPDX-License-Identifier: PostgreSQL
// What an agent's query may call and of which types its expressions may be. By OID, never by name,
// and deny by default: what is not in allowed_functions.txt is refused. Data only; it looks nothing
// up in the catalogs. Plain regime.
#pragma once

#include <cstdint>
#include <span>

#include "extension/postgres/prelude.hpp"

namespace lakehouse::guard {

// An argument on which the size of the result, or a time that can't be cut short, depends. It must
// be a constant, not NULL: an integer of at most `limit`, or another value of at most `limit`
// bytes. With `start` >= 0 that argument must be one too, and the distance from it is limited.
struct ArgumentBound {
  Oid function;
  int argument;  // counted from 0
  std::int64_t limit;
  int start;  // counted from 0; -1: there is none
};

// A function whose time or result is the product of its first two arguments' sizes.
struct SizeCaps {
  Oid function;
  int first;  // bytes, as is the other; 0: any
  int second;
};

// May be called in a query's text: as function, operator, aggregate, window function or cast.
bool is_function_allowed(Oid function);

// May be run on behalf of what is allowed, never be called by itself: parts of aggregates, input
// and output of types, members of the operator classes behind sorts, groups, hashes and frames.
// Disjoint from what is allowed.
bool is_support_function(Oid function);

// May an expression be of this type? Arrays are listed one by one.
bool is_type_allowed(Oid type);

// May a constant be of this type, though no other expression? to_tsvector('english', ...) has one.
bool is_constant_type_allowed(Oid type);

// All of them hold; none: the function's arguments are not limited.
std::span<const ArgumentBound> find_bounds(Oid function);

// nullptr: the function takes values of any size.
const SizeCaps* find_size_caps(Oid function);

// What is_function_allowed() accepts, in OID order.
std::span<const Oid> allowed_functions();

}  // namespace lakehouse::guard
