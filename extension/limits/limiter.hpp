// SPDX-License-Identifier: PostgreSQL
// Token buckets in shared memory, for all backends of the server. Plain regime.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "extension/postgres/prelude.hpp"

namespace lakehouse::limits {

inline constexpr int kMostDemands = 16;

// The first half of a key's SHA-256, and whether the key is one that rows of ours bound.
struct KeyHash {
  std::uint64_t high, low;
  bool is_of_rows;
};

KeyHash hash_key(const char* text, std::size_t size);

// One token from one bucket.
struct Demand {
  KeyHash key;
  std::int64_t interval_ns;  // between two tokens that flow in; > 0
  std::int64_t depth_ns;     // how far before full the bucket may be to still have a whole token
};

// At most kMostDemands, each key once. 0 when a token of each was taken; else nothing was, and it
// says after how many nanoseconds the same demands would be met.
std::int64_t take(std::span<const Demand> demands);

// The same answer; takes nothing.
std::int64_t wait_of(std::span<const Demand> demands);

// Puts one token back into each bucket; a full one stays as it is.
void give_back(std::span<const Demand> demands);

// False where the library was not loaded with the server: then there is no shared memory.
bool is_ready();

// From _PG_init, while shared memory is being sized.
void request_memory();

}  // namespace lakehouse::limits
