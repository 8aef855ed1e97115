// SPDX-License-Identifier: PostgreSQL
// Rows are taken apart in place; nothing of a message is kept.
#include "worker/publish/row_batches.hpp"

#include <cstring>

namespace lakehouse::worker::publish {
namespace {

constexpr std::int64_t kMostRows = 4096;
constexpr std::size_t kMostBytes = 4U << 20U;
// libpq holds such a row twice, the batch and the file's row group hold it once more each.
constexpr std::size_t kLargestRow = 32U << 20U;

constexpr std::string_view kSignature("PGCOPY\n\377\r\n\0", 11);
constexpr std::size_t kHeaderBytes = kSignature.size() + 8;
constexpr std::int16_t kTrailer = -1;

Error malformed_error() {
  return {ErrorCode::kInternal, "unexpected rows from the database", "", ""};
}

Error large_row_error() {
  return {ErrorCode::kCapExceeded, "a row is too large to be published",
          std::to_string(kLargestRow >> 20U) + " MB are the most.",
          "Publish a view that leaves out or shortens its largest column."};
}

template <typename Number>
bool take_number(std::string_view& message, Number& number) {
  if (message.size() < sizeof number) return false;
  std::memcpy(&number, message.data(), sizeof number);
  if constexpr (sizeof number == 2) number = static_cast<Number>(__builtin_bswap16(number));
  if constexpr (sizeof number == 4) number = static_cast<Number>(__builtin_bswap32(number));
  message.remove_prefix(sizeof number);
  return true;
}

}  // namespace

Status RowBatches::add_copied(std::string_view message) {
  if (message.size() > kLargestRow) return large_row_error();
  if (!has_begun_) {
    if (!message.starts_with(kSignature) || message.size() < kHeaderBytes) return malformed_error();
    message.remove_prefix(kHeaderBytes);
    has_begun_ = true;
  }
  while (!message.empty()) {
    std::int16_t fields = 0;
    if (!take_number(message, fields)) return malformed_error();
    if (fields == kTrailer) return message.empty() ? Status(kDone) : Status(malformed_error());
    if (static_cast<std::size_t>(fields) != cells_.columns()) return malformed_error();
    if (Status added = add_fields(message); !added) return added;
  }
  return kDone;
}

Status RowBatches::add_fields(std::string_view& message) {
  for (std::size_t column = 0; column < cells_.columns(); ++column) {
    std::int32_t length = 0;
    if (!take_number(message, length)) return malformed_error();
    std::optional<std::string_view> bytes;
    if (length >= 0) {
      const auto size = static_cast<std::size_t>(length);
      if (size > message.size()) return malformed_error();
      bytes = message.substr(0, size);
      message.remove_prefix(size);
    }
    if (Status added = add_field(column, bytes); !added) return added;
  }
  return end_row();
}

Status RowBatches::add_row(const db::Rows& row) {
  std::size_t bytes = 0;
  for (std::size_t column = 0; column < cells_.columns(); ++column) {
    const auto cell = row.cell(0, static_cast<int>(column));
    if (cell) bytes += cell->size();
    if (bytes > kLargestRow) return large_row_error();
    if (Status added = add_field(column, cell); !added) return added;
  }
  return end_row();
}

Status RowBatches::add_field(std::size_t column, std::optional<std::string_view> bytes) {
  if (!bytes) return builder_.append_null(column);
  return cells_.append(builder_, column, *bytes);
}

Status RowBatches::end_row() {
  ++rows_;
  return rows_ >= kMostRows || builder_.bytes() >= kMostBytes ? hand_over() : Status(kDone);
}

Status RowBatches::finish() { return rows_ == 0 ? Status(kDone) : hand_over(); }

Status RowBatches::hand_over() {
  auto batch = builder_.finish();
  if (!batch) return std::move(batch).error();
  rows_ = 0;
  return take_(*batch);
}

}  // namespace lakehouse::worker::publish
