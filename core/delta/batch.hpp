// SPDX-License-Identifier: PostgreSQL
// Batch: some rows of a published table, column by column. BatchBuilder makes one of single values
// and refuses what a Delta table can't hold. Neither shows Arrow to who includes this.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.hpp"
#include "core/delta/schema.hpp"

namespace arrow {
class RecordBatch;
}

namespace lakehouse::delta {

__extension__ using Int128 = __int128;

// Immutable; copies share the rows. Columns and rows count from 0; asking for one that is not
// there, or for another type's value, is a bug. Of an array only is_null() can be asked.
class Batch {
 public:
  explicit Batch(std::shared_ptr<arrow::RecordBatch> columns) : columns_(std::move(columns)) {}

  std::int64_t rows() const;
  std::size_t bytes() const;  // of memory that these rows need

  bool is_null(std::size_t column, std::int64_t row) const;
  bool boolean(std::size_t column, std::int64_t row) const;
  // A short, integer, long; a date in days, a timestamp in microseconds since 1970.
  std::int64_t integer(std::size_t column, std::int64_t row) const;
  double real(std::size_t column, std::int64_t row) const;          // a float, double
  std::string decimal(std::size_t column, std::int64_t row) const;  // with all digits of its scale
  std::string_view text(std::size_t column, std::int64_t row) const;  // a string, binary

  // The rows for which `is_kept` is true, in their order; it has a member for each row.
  Result<Batch> keep(const std::vector<bool>& is_kept) const;
  // The same rows with one more column, of a text for each row.
  Result<Batch> with_text(const Column& column, const std::vector<std::string_view>& texts) const;

  const std::shared_ptr<arrow::RecordBatch>& columns() const noexcept { return columns_; }

 private:
  std::shared_ptr<arrow::RecordBatch> columns_;
};

// Errors of append_*: kValueOutOfRange (a null where none may be, an integer beyond its type, a
// date or timestamp outside the years 1 to 9999, a decimal that doesn't fit exactly, text that is
// not UTF-8), kCapExceeded (2 GiB in a column). After an error only clear() may follow.
class BatchBuilder {
 public:
  explicit BatchBuilder(const Schema& schema);
  ~BatchBuilder();
  BatchBuilder(BatchBuilder&&) noexcept;
  BatchBuilder& operator=(BatchBuilder&&) noexcept;

  Status append_null(std::size_t column);
  Status append_boolean(std::size_t column, bool value);
  Status append_integer(std::size_t column, std::int64_t value);  // as Batch::integer()
  Status append_real(std::size_t column, double value);
  Status append_decimal(std::size_t column, std::string_view digits);  // "-12.50"
  Status append_unscaled(std::size_t column, Int128 value);            // 10^scale times the decimal
  Status append_text(std::size_t column, std::string_view value);
  // Until close_array() what is appended to the column are elements of one array.
  Status open_array(std::size_t column);
  void close_array(std::size_t column);

  std::size_t bytes() const noexcept;  // appended since the last finish(), about

  // Every column has as many values as the first.
  Result<Batch> finish();
  void clear();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace lakehouse::delta
