// SPDX-License-Identifier: PostgreSQL
// BatchView: reads a batch of batch.hpp in place. parse() checks everything once; the accessors
// then read blindly, so that a backend pays nothing per cell. The bytes must outlive the view and
// start on an 8-byte boundary.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.hpp"
#include "core/wire/batch.hpp"

namespace lakehouse::wire {

class BatchView {
 public:
  // Errors: kProtocol, if the bytes are not a sound batch of exactly these columns.
  static Result<BatchView> parse(std::string_view bytes, const std::vector<CellType>& columns) {
    BatchView view(bytes);
    const char* const fault = view.check(columns);
    if (fault == nullptr) return view;
    return Error{ErrorCode::kProtocol, "malformed batch between backend and worker", fault,
                 "Restart the server so that extension and worker are of one version."};
  }

  std::uint32_t row_count() const noexcept { return row_count_; }
  std::size_t column_count() const noexcept { return columns_.size(); }

  bool has_nulls(std::size_t column) const noexcept { return columns_[column].nulls != nullptr; }
  bool is_null(std::size_t column, std::uint32_t row) const noexcept {
    const unsigned char* const nulls = columns_[column].nulls;
    return nulls != nullptr && ((nulls[row / 8] >> (row % 8)) & 1U) != 0;
  }

  // A fixed width cell's address; its alignment is that of its type.
  const char* fixed(std::size_t column, std::uint32_t row) const noexcept {
    return columns_[column].values + std::size_t{row} * columns_[column].width;
  }
  template <typename Value>
  Value value(std::size_t column, std::uint32_t row) const noexcept {
    Value value;
    std::memcpy(&value, columns_[column].values + std::size_t{row} * sizeof(Value), sizeof(Value));
    return value;
  }

  // A variable cell's varlena, header included; not for NULL cells.
  const char* varlena(std::size_t column, std::uint32_t row) const noexcept {
    return bytes_.data() + value<std::uint32_t>(column, row);
  }
  // The same without its header.
  std::string_view payload(std::size_t column, std::uint32_t row) const noexcept {
    const char* const start = varlena(column, row);
    return {start + kVarlenaHeader, length_at(start) - kVarlenaHeader};
  }

 private:
  static constexpr std::uint32_t kVarlenaHeader = 4;

  struct Column {
    const char* values = nullptr;
    const unsigned char* nulls = nullptr;
    std::uint32_t width = 0;
  };

  explicit BatchView(std::string_view bytes) : bytes_(bytes) {}

  static std::uint32_t length_at(const char* varlena) noexcept {
    std::uint32_t header = 0;
    std::memcpy(&header, varlena, sizeof(header));
    return header >> 2U;
  }

  bool holds(std::uint64_t offset, std::uint64_t size) const noexcept {
    return offset <= bytes_.size() && size <= bytes_.size() - offset;
  }

  // Null if sound, else what is wrong.
  const char* check(const std::vector<CellType>& columns) {
    if (reinterpret_cast<std::uintptr_t>(bytes_.data()) % 8 != 0)
      return "The batch is not aligned.";
    BatchHeader header{};
    if (!holds(0, sizeof(header))) return "The batch is shorter than its header.";
    std::memcpy(&header, bytes_.data(), sizeof(header));
    if (header.total_bytes != bytes_.size()) return "The batch's size differs from its header.";
    if (header.column_count != columns.size()) return "The number of columns is another.";
    if (!holds(sizeof(header), columns.size() * sizeof(ColumnHeader)))
      return "Column headers are missing.";
    row_count_ = header.row_count;
    columns_.resize(columns.size());
    for (std::size_t i = 0; i < columns.size(); ++i) {
      ColumnHeader column{};
      std::memcpy(&column, bytes_.data() + sizeof(header) + i * sizeof(column), sizeof(column));
      if (column.type != static_cast<std::uint32_t>(columns[i]))
        return "A column has another type.";
      if (const char* fault = check_column(columns[i], column, columns_[i]); fault != nullptr)
        return fault;
    }
    return nullptr;
  }

  const char* check_column(CellType type, const ColumnHeader& header, Column& column) {
    column.width = width_of(type);
    const std::uint64_t width = column.width == 0 ? sizeof(std::uint32_t) : column.width;
    if (header.values_offset % 8 != 0 || !holds(header.values_offset, width * row_count_)) {
      return "A column's values lie outside the batch.";
    }
    column.values = bytes_.data() + header.values_offset;
    if (const char* fault = check_nulls(header, column); fault != nullptr) return fault;
    if (column.width == 0) return check_varlenas(type, column);
    return type == CellType::kBool ? check_bools(column) : nullptr;
  }

  const char* check_nulls(const ColumnHeader& header, Column& column) const {
    if (header.null_count == 0)
      return header.nulls_offset == 0 ? nullptr : "A null bitmap without nulls.";
    const std::uint64_t size = (std::uint64_t{row_count_} + 7) / 8;
    if (header.nulls_offset == 0 || header.nulls_offset % 8 != 0 ||
        !holds(header.nulls_offset, size)) {
      return "A null bitmap lies outside the batch.";
    }
    column.nulls = reinterpret_cast<const unsigned char*>(bytes_.data()) + header.nulls_offset;
    std::uint64_t count = 0;
    for (std::uint64_t i = 0; i < size; ++i)
      count += static_cast<unsigned>(std::popcount(column.nulls[i]));
    return count == header.null_count ? nullptr : "A null bitmap differs from its count.";
  }

  const char* check_varlenas(CellType type, const Column& column) const {
    for (std::uint32_t row = 0; row < row_count_; ++row) {
      if (column.nulls != nullptr && ((column.nulls[row / 8] >> (row % 8)) & 1U) != 0) continue;
      std::uint32_t offset = 0;
      std::memcpy(&offset, column.values + std::size_t{row} * sizeof(offset), sizeof(offset));
      if (offset % 4 != 0 || !holds(offset, kVarlenaHeader))
        return "A value lies outside the batch.";
      const char* const start = bytes_.data() + offset;
      const std::uint32_t length = length_at(start);
      if ((static_cast<unsigned char>(*start) & 3U) != 0)
        return "A value's header has another form.";
      if (length < kVarlenaHeader || !holds(offset, length))
        return "A value ends outside the batch.";
      // PostgreSQL reads a numeric's first two bytes without looking at its length.
      if (type == CellType::kNumeric && (length < kVarlenaHeader + 2 || length % 2 != 0)) {
        return "A numeric has an impossible length.";
      }
    }
    return nullptr;
  }

  const char* check_bools(const Column& column) const {
    unsigned char all = 0;
    for (std::uint32_t row = 0; row < row_count_; ++row) {
      all = static_cast<unsigned char>(all | static_cast<unsigned char>(column.values[row]));
    }
    return all <= 1 ? nullptr : "A boolean is neither true nor false.";
  }

  std::string_view bytes_;
  std::vector<Column> columns_;
  std::uint32_t row_count_ = 0;
};

}  // namespace lakehouse::wire
