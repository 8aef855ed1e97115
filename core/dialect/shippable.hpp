// SPDX-License-Identifier: PostgreSQL
// Which PostgreSQL functions a remote engine computes exactly alike, and how they are written
// there. Opt-in: what is not in the table stays local. Keyed by the function's OID (fixed for
// built-ins), never by name; `signature` is there for readers and for the test that compares it
// with pg_proc.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace lakehouse::dialect {

// What must hold beyond the OID.
enum class Condition : std::uint8_t {
  kNone,
  kDeterministicCollation,  // equality is equality of bytes
  kBinaryCollation,         // order is order of bytes: C or POSIX
  kSafeDivisor,             // the right argument is a constant other than NULL, 0 and -1
  kDecimalComparable,       // both sides fit one DECIMAL of 38 digits
  kDecimalFits,             // the engine's result type holds every digit (precision <= 38)
  kLikePattern,             // the right argument is a constant pattern that both sides read alike
};

struct ShippableFunction {
  std::uint32_t oid;
  std::string_view signature;   // as regprocedure prints it
  std::string_view databricks;  // with $1, $2 for the arguments
  Condition condition;
};

// In OID order.
std::span<const ShippableFunction> shippable_functions();

// nullptr if the function must stay local.
const ShippableFunction* find_shippable(std::uint32_t oid);

}  // namespace lakehouse::dialect
