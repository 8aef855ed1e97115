// SPDX-License-Identifier: PostgreSQL
// Sizes are foretold from the rows so far, for what a file has on disk is known only at its end.
#include "worker/publish/file_sizes.hpp"

#include <algorithm>

namespace lakehouse::worker::publish {
namespace {

constexpr double kLeast = 1U << 20U;
constexpr double kMost = 32U << 20U;
// A tier of Compaction, sizes that differ by four, then gets fewer files than would be merged.
constexpr double kPart = 1.0 / 3;
// However well it compresses: readers unpack it.
constexpr double kMostInMemory = 256U << 20U;

}  // namespace

void FileSizes::add(std::int64_t rows, std::size_t bytes) {
  rows_ += rows;
  memory_bytes_ += static_cast<double>(bytes);
}

bool FileSizes::is_full() const {
  if (rows_ == 0 || left_rows_ == kNever) return false;
  if (memory_bytes_ >= kMostInMemory) return true;
  const double row_bytes = memory_bytes_ / static_cast<double>(rows_);
  const double left =
      written_bytes(row_bytes * static_cast<double>(std::max<std::int64_t>(left_rows_, rows_)));
  return written_bytes(memory_bytes_) >= std::clamp(left * kPart, kLeast, kMost);
}

void FileSizes::end_file(std::int64_t bytes) {
  if (memory_bytes_ > 0) shrinkage_ = static_cast<double>(bytes) / memory_bytes_;
  if (left_rows_ != kNever) left_rows_ = std::max<std::int64_t>(left_rows_ - rows_, 0);
  rows_ = 0;
  memory_bytes_ = 0;
}

}  // namespace lakehouse::worker::publish
