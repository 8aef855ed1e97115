// SPDX-License-Identifier: PostgreSQL
// KeyFilter: which keys may be in a data file, in about 2.2 bytes a key. A key that is there is
// never denied; one that is not is taken for present once in 65,000 times, however many there are.
// The hashes are scaled to a range of 2^16 times their number, sorted, and their distances are
// Golomb-Rice coded. So a filter is read from front to back, and tested against many hashes at
// once. Source: Putze and others, "Cache-, Hash- and Space-Efficient Bloom Filters", 2007,
// section 4.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.hpp"

namespace lakehouse::delta {

// `hashes`: one a key, in any order, evenly spread; sorted here. The same hash may come twice.
std::string make_key_filter(std::vector<std::uint64_t> hashes);

// Whether any of `hashes`, which are sorted, may be in the filter. Errors: kInvalidResponse (not
// what make_key_filter() writes).
Result<bool> may_hold_any(std::string_view filter, std::span<const std::uint64_t> hashes);

}  // namespace lakehouse::delta
