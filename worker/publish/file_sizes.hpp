// SPDX-License-Identifier: PostgreSQL
// FileSizes: how large each file of a load is to be. Each takes about a third of what remains,
// within bounds: so the last rows, which change most, lie in small files that are cheap to rewrite.
#pragma once

#include <cstddef>
#include <cstdint>

namespace lakehouse::worker::publish {

class FileSizes {
 public:
  // Rows to come, about.
  explicit FileSizes(std::int64_t expected_rows) : left_rows_(expected_rows) {}
  // All rows in one file, for those of files that have their size already.
  static FileSizes one_file() { return FileSizes(kNever); }

  // Some rows were written to the file under way; `bytes`: in memory.
  void add(std::int64_t rows, std::size_t bytes);
  // Whether it is large enough.
  bool is_full() const;
  // The file was finished, with so many bytes.
  void end_file(std::int64_t bytes);

 private:
  static constexpr std::int64_t kNever = -1;
  double written_bytes(double memory_bytes) const { return memory_bytes * shrinkage_; }

  std::int64_t left_rows_;  // when the file under way was begun
  std::int64_t rows_ = 0;   // in the file under way
  double memory_bytes_ = 0;
  double shrinkage_ = 0.3;  // what compression leaves; learned from each file
};

}  // namespace lakehouse::worker::publish
