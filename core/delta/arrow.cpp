// SPDX-License-Identifier: PostgreSQL
// The choices that every data file and checkpoint shares stand in writer_properties().
#include "core/delta/arrow.hpp"

#include <arrow/buffer.h>
#include <arrow/util/decimal.h>
#include <arrow/util/key_value_metadata.h>
#include <parquet/properties.h>

#include <algorithm>

namespace lakehouse::delta {
namespace {

constexpr char kFieldId[] = "PARQUET:field_id";
constexpr char kCreator[] = "lakehouse";

std::shared_ptr<const arrow::KeyValueMetadata> field_id(std::int32_t id) {
  return arrow::key_value_metadata({kFieldId}, {std::to_string(id)});
}

std::shared_ptr<arrow::DataType> plain_type(const Type& type) {
  switch (type.kind) {
    case TypeKind::kBoolean:
      return arrow::boolean();
    case TypeKind::kShort:
      return arrow::int16();
    case TypeKind::kInteger:
      return arrow::int32();
    case TypeKind::kLong:
      return arrow::int64();
    case TypeKind::kFloat:
      return arrow::float32();
    case TypeKind::kDouble:
      return arrow::float64();
    case TypeKind::kDecimal:
      return arrow::decimal128(type.precision, type.scale);
    case TypeKind::kString:
      return arrow::utf8();
    case TypeKind::kBinary:
      return arrow::binary();
    case TypeKind::kDate:
      return arrow::date32();
    case TypeKind::kTimestamp:
      break;
  }
  return arrow::timestamp(arrow::TimeUnit::MICRO, "UTC");
}

}  // namespace

std::shared_ptr<arrow::DataType> arrow_type(const Column& column) {
  auto type = plain_type(column.type);
  if (!column.type.is_array) return type;
  // "element" is the name that Parquet's specification and Iceberg give it.
  return arrow::list(arrow::field("element", type, true, field_id(column.element_id)));
}

std::shared_ptr<arrow::Schema> arrow_schema(const Schema& schema) {
  arrow::FieldVector fields;
  for (const Column& column : schema.columns) {
    fields.push_back(
        arrow::field(column.name, arrow_type(column), column.is_nullable, field_id(column.id)));
  }
  return arrow::schema(std::move(fields));
}

std::string decimal_text(const arrow::Decimal128& value, int scale) {
  std::string digits = value.ToIntegerString();
  const bool is_negative = digits.front() == '-';
  if (is_negative) digits.erase(0, 1);
  const auto fraction = static_cast<std::size_t>(scale);
  if (digits.size() <= fraction) digits.insert(0, fraction + 1 - digits.size(), '0');
  if (fraction > 0) digits.insert(digits.size() - fraction, 1, '.');
  return is_negative ? '-' + digits : digits;
}

Error error_of(const arrow::Status& status, std::string_view what) {
  ErrorCode code = ErrorCode::kInternal;
  if (status.IsOutOfMemory()) code = ErrorCode::kOutOfMemory;
  if (status.IsCapacityError()) code = ErrorCode::kCapExceeded;
  if (status.IsInvalid() || status.IsSerializationError()) code = ErrorCode::kInvalidResponse;
  if (status.IsIOError()) code = ErrorCode::kUnavailable;
  return {code, std::string(what), status.message(), ""};
}

std::shared_ptr<parquet::WriterProperties> writer_properties(int compression_level) {
  return parquet::WriterProperties::Builder()
      .version(parquet::ParquetVersion::PARQUET_2_6)
      ->data_page_version(parquet::ParquetDataPageVersion::V1)
      ->compression(parquet::Compression::ZSTD)
      ->compression_level(compression_level)
      ->enable_store_decimal_as_integer()  // Iceberg wants it of decimals up to 18 digits
      ->disable_write_page_index()
      ->memory_pool(memory())
      ->created_by(kCreator)
      ->build();
}

std::shared_ptr<parquet::ArrowWriterProperties> arrow_writer_properties() {
  return parquet::ArrowWriterProperties::Builder()
      .coerce_timestamps(arrow::TimeUnit::MICRO)
      ->set_use_threads(false)
      ->build();
}

arrow::Status SinkStream::Write(const void* data, std::int64_t bytes) {
  if (is_closed_) return arrow::Status::Invalid("the stream is closed");
  const auto* first = static_cast<const std::byte*>(data);
  Status status = sink_.write({first, static_cast<std::size_t>(bytes)});
  if (!status) {
    failure_ = std::move(status).error();
    is_closed_ = true;
    return arrow::Status::IOError("the sink failed");
  }
  written_ += bytes;
  return arrow::Status::OK();
}

arrow::Status SinkStream::Close() {
  is_closed_ = true;
  return arrow::Status::OK();
}

Error SinkStream::explain(const arrow::Status& status, std::string_view what) const {
  return failure_ ? *failure_ : error_of(status, what);
}

arrow::Result<std::int64_t> SourceFile::ReadAt(std::int64_t offset, std::int64_t bytes, void* out) {
  if (offset < 0 || bytes < 0) return arrow::Status::Invalid("a range before the file's start");
  const std::span into(static_cast<std::byte*>(out), static_cast<std::size_t>(bytes));
  Result<std::size_t> got = source_.read(offset, into);
  if (got) return static_cast<std::int64_t>(*got);
  failure_ = std::move(got).error();
  return arrow::Status::IOError("the source failed");
}

arrow::Result<std::shared_ptr<arrow::Buffer>> SourceFile::ReadAt(std::int64_t offset,
                                                                 std::int64_t bytes) {
  // A damaged file may announce any length.
  bytes = std::clamp<std::int64_t>(bytes, 0, std::max<std::int64_t>(source_.bytes() - offset, 0));
  ARROW_ASSIGN_OR_RAISE(auto buffer, arrow::AllocateResizableBuffer(bytes, memory()));
  ARROW_ASSIGN_OR_RAISE(const auto got, ReadAt(offset, bytes, buffer->mutable_data()));
  ARROW_RETURN_NOT_OK(buffer->Resize(got));
  return std::shared_ptr<arrow::Buffer>(std::move(buffer));
}

arrow::Result<std::int64_t> SourceFile::Read(std::int64_t bytes, void* out) {
  ARROW_ASSIGN_OR_RAISE(const auto got, ReadAt(position_, bytes, out));
  position_ += got;
  return got;
}

arrow::Result<std::shared_ptr<arrow::Buffer>> SourceFile::Read(std::int64_t bytes) {
  ARROW_ASSIGN_OR_RAISE(auto buffer, ReadAt(position_, bytes));
  position_ += buffer->size();
  return buffer;
}

arrow::Status SourceFile::Seek(std::int64_t position) {
  if (position < 0) return arrow::Status::Invalid("a position before the file's start");
  position_ = position;
  return arrow::Status::OK();
}

arrow::Status SourceFile::Close() {
  is_closed_ = true;
  return arrow::Status::OK();
}

Error SourceFile::explain(const arrow::Status& status, std::string_view what) const {
  return failure_ ? *failure_ : error_of(status, what);
}

}  // namespace lakehouse::delta
