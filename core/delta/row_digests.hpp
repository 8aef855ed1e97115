// SPDX-License-Identifier: PostgreSQL
// Digests of a batch's rows and of their keys, and a key's values as text.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "core/delta/batch.hpp"
#include "core/delta/digest.hpp"

namespace lakehouse::delta {

// Of each row over all its columns. Rows are equal, to the bit, if their digests are.
std::vector<Digest> row_digests(const Batch& batch);

// Of each row over the columns of its key, which are shorts, integers, longs or strings: that of
// the values' text, as key_digest() makes it. Errors: kInvalidArgument (a null in a key).
Result<std::vector<Digest>> key_digests(const Batch& batch, std::span<const std::size_t> columns);

Digest key_digest(std::span<const std::string> values);

// The text that PostgreSQL writes for each value of a row's key.
std::vector<std::string> key_values(const Batch& batch, std::span<const std::size_t> columns,
                                    std::int64_t row);

}  // namespace lakehouse::delta
