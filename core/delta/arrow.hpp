// SPDX-License-Identifier: PostgreSQL
// Between our values and Arrow's: types, errors, streams and how Parquet files are written. The
// only header that includes Arrow, and for this folder's sources only: it is slow to compile.
// Arrow's arrays and builders, slower still, are included where they are used. Arrow's thread pools
// are never used.
#pragma once

#include <arrow/io/interfaces.h>
#include <arrow/memory_pool.h>
#include <arrow/type.h>
#include <parquet/exception.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "core/base/result.hpp"
#include "core/delta/schema.hpp"
#include "core/delta/stream.hpp"

namespace arrow {
class Decimal128;
}
namespace parquet {
class ArrowWriterProperties;
class WriterProperties;
}  // namespace parquet

namespace lakehouse::delta {

std::shared_ptr<arrow::DataType> arrow_type(const Column& column);
// With the field ids where Parquet looks for them.
std::shared_ptr<arrow::Schema> arrow_schema(const Schema& schema);

// The system's allocator, so that freed memory goes back and sanitizers see what happens.
inline arrow::MemoryPool* memory() { return arrow::system_memory_pool(); }

// All digits, never with an exponent: not every reader of a log takes one in a decimal.
std::string decimal_text(const arrow::Decimal128& value, int scale);

// `what` is the message.
Error error_of(const arrow::Status& status, std::string_view what);

std::shared_ptr<parquet::WriterProperties> writer_properties(int compression_level);
std::shared_ptr<parquet::ArrowWriterProperties> arrow_writer_properties();

// Parquet throws in places where it could return a status.
template <typename Call>
arrow::Status without_throwing(Call call) {
  try {
    return call();
  } catch (const parquet::ParquetException& thrown) {
    return arrow::Status::Invalid(thrown.what());
  }
}

// A Sink for Arrow to write to. Remembers the sink's error, and once abandoned takes nothing more.
class SinkStream final : public arrow::io::OutputStream {
 public:
  explicit SinkStream(Sink& sink) : sink_(sink) {}

  arrow::Status Write(const void* data, std::int64_t bytes) override;
  arrow::Status Close() override;
  arrow::Result<std::int64_t> Tell() const override { return written_; }
  bool closed() const override { return is_closed_; }

  std::int64_t written() const { return written_; }
  void abandon() { is_closed_ = true; }
  // The sink's own error if it has one, else what Arrow says.
  Error explain(const arrow::Status& status, std::string_view what) const;

 private:
  Sink& sink_;
  std::int64_t written_ = 0;
  bool is_closed_ = false;
  std::optional<Error> failure_;
};

// A Source for Arrow to read from. Remembers the source's error.
class SourceFile final : public arrow::io::RandomAccessFile {
 public:
  explicit SourceFile(const Source& source) : source_(source) {}

  arrow::Result<std::int64_t> GetSize() override { return source_.bytes(); }
  arrow::Result<std::int64_t> ReadAt(std::int64_t offset, std::int64_t bytes, void* out) override;
  arrow::Result<std::shared_ptr<arrow::Buffer>> ReadAt(std::int64_t offset,
                                                       std::int64_t bytes) override;
  arrow::Result<std::int64_t> Read(std::int64_t bytes, void* out) override;
  arrow::Result<std::shared_ptr<arrow::Buffer>> Read(std::int64_t bytes) override;
  arrow::Status Seek(std::int64_t position) override;
  arrow::Result<std::int64_t> Tell() const override { return position_; }
  arrow::Status Close() override;
  bool closed() const override { return is_closed_; }

  Error explain(const arrow::Status& status, std::string_view what) const;

 private:
  const Source& source_;
  std::int64_t position_ = 0;
  bool is_closed_ = false;
  std::optional<Error> failure_;
};

}  // namespace lakehouse::delta
