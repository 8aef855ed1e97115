// SPDX-License-Identifier: PostgreSQL
// ChunkSource: where a result's chunks come from. Each engine implements it; ChunkReader alone
// calls it.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "core/base/context.hpp"
#include "core/base/result.hpp"

namespace lakehouse::warehouse {

struct ChunkBody {
  std::string bytes;           // its capacity exceeds its size by http::kBodyPadding at least
  std::size_t rows_begin = 0;  // the array of rows is bytes[rows_begin, rows_begin + rows_size)
  std::size_t rows_size = 0;
  std::uint64_t wire_bytes = 0;             // as received
  std::optional<std::uint64_t> row_count;   // checked against the rows in it
  std::optional<std::uint64_t> row_offset;  // checked against the rows before it
};

class ChunkSource {
 public:
  using Callback = std::function<void(Result<ChunkBody>)>;
  virtual ~ChunkSource() = default;

  virtual std::size_t chunk_count() const = 0;

  // The body's size as the engine announced it; 0: unknown.
  virtual std::uint64_t expected_bytes(std::size_t index) const = 0;

  // Starts getting a chunk. `done` runs exactly once, on any thread, perhaps before fetch()
  // returns. A body above `max_bytes` ends in kCapExceeded. May be called again for the same chunk
  // after its `done`.
  virtual void fetch(std::size_t index, std::size_t max_bytes, Context context, Callback done) = 0;
};

}  // namespace lakehouse::warehouse
