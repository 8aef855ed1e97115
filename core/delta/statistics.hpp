// SPDX-License-Identifier: PostgreSQL
// Statistics: what a data file's `stats` say of its rows, so that readers can leave the file out.
// A bound is missing where none would be safe. Source: Delta protocol, "Per-file Statistics".
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "core/delta/batch.hpp"
#include "core/delta/schema.hpp"

namespace lakehouse::delta {

class Statistics {
 public:
  explicit Statistics(const Schema& schema);
  ~Statistics();
  Statistics(Statistics&&) noexcept;
  Statistics& operator=(Statistics&&) noexcept;

  void add(const Batch& batch);
  std::int64_t rows() const noexcept;

  // numRecords, minValues, maxValues, nullCount, tightBounds. Strings are cut to 32 characters,
  // timestamps to milliseconds, each maximum rounded up. Neither bound: of booleans, binary and
  // arrays, nor of a column with a NaN in it. An infinite bound is left out.
  std::string json() const;

 private:
  struct ColumnBounds;
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace lakehouse::delta
