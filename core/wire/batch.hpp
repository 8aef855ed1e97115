// SPDX-License-Identifier: PostgreSQL
// A batch of rows, column-major, in PostgreSQL's own in-memory representation (little endian), so
// that a backend turns cells into datums by reading, never by parsing.
#pragma once

#include <cstdint>

namespace lakehouse::wire {

// What a cell is built as. The backend chooses it from the local column's type.
enum class CellType : std::uint8_t {
  kBool,         // 1 byte
  kInt2,         // 2
  kInt4,         // 4
  kInt8,         // 8
  kFloat4,       // 4
  kFloat8,       // 8
  kDate,         // 4: days since 2000-01-01
  kTimestamp,    // 8: microseconds since 2000-01-01
  kTimestamptz,  // 8: the same, UTC
  kInterval,     // 16: int64 microseconds, int32 days, int32 months
  kUuid,         // 16 bytes
  kNumeric,      // varlena: PostgreSQL's numeric
  kText,         // varlena: UTF-8; also what an unknown type degrades to
  kBytea,        // varlena
};
inline constexpr std::uint8_t kCellTypeCount = 14;

// Bytes per value; 0 for variable length.
constexpr std::uint32_t width_of(CellType type) {
  constexpr std::uint8_t kWidths[kCellTypeCount] = {1, 2, 4, 8, 4, 8, 4, 8, 8, 16, 16, 0, 0, 0};
  return kWidths[static_cast<std::uint8_t>(type)];
}

// Layout (all offsets from the start of the batch, which is 8-byte aligned):
//   BatchHeader, then one ColumnHeader per column, then the columns' parts, each 8-byte aligned.
//   nulls   bitmap, bit i set = row i is NULL (null_count > 0 only; else nulls_offset is 0)
//   values  fixed width: row_count values of `width` bytes (the cell of a NULL is zero)
//           variable:    row_count uint32 offsets into the batch, each to a 4-byte aligned varlena
//                        with a 4-byte header ((total length) << 2), as PostgreSQL stores it
//                        uncompressed
struct BatchHeader {
  std::uint32_t total_bytes;
  std::uint32_t row_count;
  std::uint32_t column_count;
  std::uint32_t reserved;
};

struct ColumnHeader {
  std::uint32_t type;  // CellType
  std::uint32_t null_count;
  std::uint32_t nulls_offset;
  std::uint32_t values_offset;
};
static_assert(sizeof(BatchHeader) == 16 && sizeof(ColumnHeader) == 16);

}  // namespace lakehouse::wire
