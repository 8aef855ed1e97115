// SPDX-License-Identifier: PostgreSQL
// A data file: Parquet as every reader of Delta and Iceberg takes it (zstd, data pages of version
// 1, field ids, timestamps in microseconds of UTC). Written and read in bounded memory, on the
// caller's thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "core/base/result.hpp"
#include "core/delta/batch.hpp"
#include "core/delta/schema.hpp"
#include "core/delta/stream.hpp"

namespace lakehouse::delta {

struct WriterOptions {
  // A row group is written once its rows take so many bytes of memory, or are so many. The writer
  // holds the rows of one row group and one column of it, encoded.
  std::size_t row_group_bytes = 32U << 20U;
  std::int64_t row_group_rows = 1 << 20;
  int compression_level = 3;  // of zstd: 1 to 22
};

struct WrittenFile {
  std::int64_t bytes = 0;
  std::int64_t rows = 0;
  std::string stats;  // Statistics::json()
};

class ParquetWriter {
 public:
  // `sink` outlives the writer. Nothing of the file counts until finish() was fine; a writer that
  // is destroyed before writes nothing more. Errors: those of check(schema), of the sink,
  // kOutOfMemory.
  static Result<std::unique_ptr<ParquetWriter>> open(const Schema& schema, Sink& sink,
                                                     const WriterOptions& options = {});
  ~ParquetWriter();
  ParquetWriter(const ParquetWriter&) = delete;
  ParquetWriter& operator=(const ParquetWriter&) = delete;

  // `batch` has the schema's columns. After an error the writer can only be destroyed.
  Status write(const Batch& batch);
  // A file without rows is a valid one.
  Result<WrittenFile> finish();

 private:
  struct State;
  explicit ParquetWriter(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

class ParquetReader {
 public:
  // `source` outlives the reader. Columns are found by name; one that the file lacks, since it is
  // younger than the file, is all null. Errors: kInvalidResponse (damaged, or a column of another
  // type, or one without nulls that is not there), those of the source.
  static Result<std::unique_ptr<ParquetReader>> open(const Schema& schema, const Source& source,
                                                     std::int64_t rows_per_batch = 8192);
  ~ParquetReader();
  ParquetReader(const ParquetReader&) = delete;
  ParquetReader& operator=(const ParquetReader&) = delete;

  std::int64_t rows() const noexcept;  // of the file
  // The next rows, or nothing after the last.
  Result<std::optional<Batch>> next();

 private:
  struct State;
  explicit ParquetReader(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace lakehouse::delta
