// SPDX-License-Identifier: PostgreSQL
// Joining the columns into one batch, and the rare paths: growth and NULLs.
#include "core/wire/batch_builder.hpp"

#include <algorithm>

namespace lakehouse::wire {
namespace {

// A row of offsets costs four bytes a variable column.
std::uint32_t bytes_in_values(std::uint32_t width) {
  return width == 0 ? static_cast<std::uint32_t>(sizeof(std::uint32_t)) : width;
}

void pad_to_eight(std::string& batch) { batch.append((8 - batch.size() % 8) % 8, '\0'); }

}  // namespace

void ByteBuffer::grow(std::size_t count) {
  constexpr std::size_t kFirstCapacity = 4096;
  const std::size_t wanted = std::max({size_ + count, capacity_ + capacity_ / 2, kFirstCapacity});
  auto larger = std::make_unique_for_overwrite<char[]>(wanted);
  if (size_ != 0) std::memcpy(larger.get(), bytes_.get(), size_);
  bytes_ = std::move(larger);
  capacity_ = wanted;
}

BatchBuilder::BatchBuilder(const std::vector<CellType>& columns, std::size_t batch_bytes)
    : columns_(columns.size()), batch_bytes_(batch_bytes) {
  for (std::size_t i = 0; i < columns.size(); ++i) {
    columns_[i].type = columns[i];
    columns_[i].width = width_of(columns[i]);
    row_bytes_ += bytes_in_values(columns_[i].width);
  }
  // A batch of rows without columns still has to end somewhere: count one byte a row.
  if (columns.empty()) row_bytes_ = 1;
}

void BatchBuilder::append_null(std::size_t column) {
  Column& target = columns_[column];
  const std::size_t byte = row_count_ / 8;
  if (target.nulls.size() <= byte) target.nulls.resize(byte + 1);
  target.nulls[byte] = static_cast<std::uint8_t>(target.nulls[byte] | (1U << (row_count_ % 8)));
  ++target.null_count;
  const std::uint32_t width = bytes_in_values(target.width);
  std::memset(target.values.room(width), 0, width);
  target.values.advance(width);
}

std::string BatchBuilder::finish() {
  const std::size_t headers = sizeof(BatchHeader) + columns_.size() * sizeof(ColumnHeader);
  std::size_t room = headers;
  for (const Column& column : columns_) {
    room += column.values.size() + column.heap.size() + column.nulls.size() + row_count_ / 8 + 32;
  }
  std::string batch;
  batch.reserve(room);
  batch.append(headers, '\0');
  std::vector<ColumnHeader> column_headers(columns_.size());
  for (std::size_t i = 0; i < columns_.size(); ++i)
    put_column(batch, columns_[i], column_headers[i]);
  const BatchHeader header{static_cast<std::uint32_t>(batch.size()), row_count_,
                           static_cast<std::uint32_t>(columns_.size()), 0};
  std::memcpy(batch.data(), &header, sizeof(header));
  if (!column_headers.empty()) {
    std::memcpy(batch.data() + sizeof(header), column_headers.data(),
                column_headers.size() * sizeof(ColumnHeader));
  }
  row_count_ = 0;
  heap_bytes_ = 0;
  return batch;
}

// Appends one column's parts and empties it. Offsets become relative to the batch here, in one
// pass.
void BatchBuilder::put_column(std::string& batch, Column& column, ColumnHeader& header) {
  assert(column.values.size() == std::size_t{row_count_} * bytes_in_values(column.width));
  header = {static_cast<std::uint32_t>(column.type), column.null_count, 0, 0};
  if (column.null_count > 0) {
    header.nulls_offset = static_cast<std::uint32_t>(batch.size());
    column.nulls.resize((row_count_ + 7) / 8);
    batch.append(reinterpret_cast<const char*>(column.nulls.data()), column.nulls.size());
    pad_to_eight(batch);
  }
  header.values_offset = static_cast<std::uint32_t>(batch.size());
  if (column.width == 0) {
    const std::size_t padded = (column.values.size() + 7) / 8 * 8;
    const auto heap_start = static_cast<std::uint32_t>(batch.size() + padded);
    for (std::uint32_t row = 0; row < row_count_; ++row) {
      if (column.null_count > 0 && ((column.nulls[row / 8] >> (row % 8)) & 1U) != 0) continue;
      std::uint32_t offset = 0;
      char* const place = column.values.data() + std::size_t{row} * sizeof(offset);
      std::memcpy(&offset, place, sizeof(offset));
      offset += heap_start;
      std::memcpy(place, &offset, sizeof(offset));
    }
  }
  if (column.values.size() != 0) batch.append(column.values.data(), column.values.size());
  pad_to_eight(batch);
  if (column.heap.size() != 0) batch.append(column.heap.data(), column.heap.size());
  pad_to_eight(batch);
  column.values.clear();
  column.heap.clear();
  column.nulls.clear();
  column.null_count = 0;
}

}  // namespace lakehouse::wire
