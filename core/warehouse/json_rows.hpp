// SPDX-License-Identifier: PostgreSQL
// JsonRows: a JSON array of rows, each an array of strings and nulls, becomes batches. Both
// engines' SQL APIs answer so. It reads strictly: a byte out of place, a cell too many or too few
// ends in an error, never in another row.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.hpp"
#include "core/warehouse/warehouse.hpp"

namespace lakehouse::warehouse {

// What the engine says of a result column.
struct ResultColumn {
  std::string name;
  std::string type_text;  // lower or upper case, with modifiers; empty: unknown
};

struct RowFormat {
  std::vector<OutputColumn> columns;
  std::vector<ResultColumn> labels;  // for messages and intervals; may be shorter than `columns`
  std::size_t batch_bytes = 512U << 10U;
};

class JsonRows {
 public:
  explicit JsonRows(const RowFormat& format);  // `format` must outlive it
  ~JsonRows();
  JsonRows(const JsonRows&) = delete;
  JsonRows& operator=(const JsonRows&) = delete;

  // Starts on the array of rows. At least http::kBodyPadding readable bytes follow `array`, and it
  // stays where it is until the end. What an earlier array left behind is forgotten.
  Status open(std::string_view array);

  // The next batch, or nothing after the last row. Errors: kInvalidResponse (not such an array),
  // kTypeNotSupported and kValueOutOfRange (a cell), kCapExceeded (a row too large for a batch);
  // after one only open() may follow.
  Result<std::optional<Batch>> next();

  // No row is left: the batch just returned was the last.
  bool is_at_end() const noexcept;
  std::uint64_t rows_read() const noexcept;  // of this array

 private:
  struct Reading;
  std::unique_ptr<Reading> reading_;
};

}  // namespace lakehouse::warehouse
