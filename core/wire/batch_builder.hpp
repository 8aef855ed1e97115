// SPDX-License-Identifier: PostgreSQL
// BatchBuilder: collects cells column by column and writes them out as one batch in the layout of
// batch.hpp. Its buffers grow to the size of a batch once and are then used again; no cell costs an
// allocation. It trusts its caller to append exactly one cell a column and row, of the column's
// type.
#pragma once

#include <cassert>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/wire/batch.hpp"

namespace lakehouse::wire {

// PostgreSQL's interval, as it lies in memory.
struct Interval {
  std::int64_t microseconds = 0;
  std::int32_t days = 0;
  std::int32_t months = 0;
};
static_assert(sizeof(Interval) == 16);

// A growing array of bytes that never clears what it grows by and keeps its room when emptied.
class ByteBuffer {
 public:
  std::size_t size() const noexcept { return size_; }
  const char* data() const noexcept { return bytes_.get(); }
  char* data() noexcept { return bytes_.get(); }
  void clear() noexcept { size_ = 0; }

  // Room for `count` more bytes behind the end, which does not move before advance().
  char* room(std::size_t count) {
    if (capacity_ - size_ < count) grow(count);
    return bytes_.get() + size_;
  }
  void advance(std::size_t count) noexcept { size_ += count; }

 private:
  void grow(std::size_t count);

  std::unique_ptr<char[]> bytes_;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
};

class BatchBuilder {
 public:
  // A batch counts as full from `batch_bytes` on; one row more may make it larger.
  BatchBuilder(const std::vector<CellType>& columns, std::size_t batch_bytes);

  std::size_t column_count() const noexcept { return columns_.size(); }
  std::uint32_t row_count() const noexcept { return row_count_; }
  bool is_full() const noexcept { return size() >= batch_bytes_; }
  // Bytes of cells so far, without headers and null bitmaps.
  std::size_t size() const noexcept { return row_bytes_ * row_count_ + heap_bytes_; }

  // For fixed width columns: sizeof(Value) is the column's width.
  template <typename Value>
  void append(std::size_t column, const Value& value) {
    Column& target = columns_[column];
    assert(sizeof(Value) == target.width);
    std::memcpy(target.values.room(sizeof(Value)), &value, sizeof(Value));
    target.values.advance(sizeof(Value));
  }

  void append_null(std::size_t column);

  // For variable length columns, without the varlena header.
  void append_varlena(std::size_t column, std::string_view payload) {
    std::memcpy(begin_varlena(column, payload.size()), payload.data(), payload.size());
    end_varlena(column, payload.size());
  }

  // The same in two steps, to write in place: at most `max_payload` bytes, then say how many they
  // were.
  char* begin_varlena(std::size_t column, std::size_t max_payload) {
    return columns_[column].heap.room(kVarlenaHeader + max_payload + kVarlenaAlignment) +
           kVarlenaHeader;
  }
  void end_varlena(std::size_t column, std::size_t payload) noexcept;

  void end_row() noexcept { ++row_count_; }

  // The batch; the builder is empty afterwards.
  std::string finish();

 private:
  static constexpr std::size_t kVarlenaHeader = 4;
  static constexpr std::size_t kVarlenaAlignment = 4;

  struct Column {
    CellType type = CellType::kText;
    std::uint32_t width = 0;  // 0: variable length
    std::uint32_t null_count = 0;
    ByteBuffer values;  // cells, or uint32 offsets into `heap`
    ByteBuffer heap;    // varlenas
    std::vector<std::uint8_t> nulls;
  };

  void put_column(std::string& batch, Column& column, ColumnHeader& header);

  std::vector<Column> columns_;
  std::size_t batch_bytes_;
  std::size_t row_bytes_ = 0;  // of the value arrays
  std::size_t heap_bytes_ = 0;
  std::uint32_t row_count_ = 0;
};

inline void BatchBuilder::end_varlena(std::size_t column, std::size_t payload) noexcept {
  Column& target = columns_[column];
  const auto length = static_cast<std::uint32_t>(kVarlenaHeader + payload);
  const std::uint32_t header = length << 2U;
  char* start = target.heap.data() + target.heap.size();
  std::memcpy(start, &header, sizeof(header));
  const std::uint32_t padded = (length + 3U) & ~3U;
  for (std::uint32_t i = length; i < padded; ++i) start[i] = 0;
  const auto offset = static_cast<std::uint32_t>(target.heap.size());
  target.heap.advance(padded);
  heap_bytes_ += padded;
  std::memcpy(target.values.room(sizeof(offset)), &offset, sizeof(offset));
  target.values.advance(sizeof(offset));
}

}  // namespace lakehouse::wire
