// SPDX-License-Identifier: PostgreSQL
// One Arrow builder a column; of an array the builder of its elements as well.
#include <arrow/builder.h>
#include <arrow/record_batch.h>

#include <limits>

#include "core/delta/arrow.hpp"
#include "core/delta/batch.hpp"
#include "core/delta/utf8.hpp"

namespace lakehouse::delta {
namespace {

// The years 1 to 9999, what Spark and Python can read.
constexpr std::int64_t kFirstDay = -719'162;
constexpr std::int64_t kLastDay = 2'932'896;
constexpr std::int64_t kMicrosecondsPerDay = 86'400'000'000;
constexpr std::int64_t kFirstMicrosecond = kFirstDay * kMicrosecondsPerDay;
constexpr std::int64_t kLastMicrosecond = (kLastDay + 1) * kMicrosecondsPerDay - 1;

struct Cells {
  Column column;
  std::unique_ptr<arrow::ArrayBuilder> whole;
  arrow::ArrayBuilder* values = nullptr;  // of `whole`, or of its elements
  bool is_open = false;                   // an array is being filled
};

Error range_error(const Column& column, const char* what) {
  return {ErrorCode::kValueOutOfRange, std::string(what), "Column \"" + column.name + "\".", ""};
}

Status done(const arrow::Status& status) {
  if (status.ok()) return kDone;
  return error_of(status, "could not collect rows");
}

template <typename Builder, typename Value>
Status append_to(arrow::ArrayBuilder* values, const Value& value) {
  return done(static_cast<Builder*>(values)->Append(value));
}

template <typename Builder>
Status append_integer_to(const Cells& cells, std::int64_t value) {
  using Value = typename Builder::value_type;
  if (value < std::numeric_limits<Value>::min() || value > std::numeric_limits<Value>::max()) {
    return range_error(cells.column, "integer out of range");
  }
  return append_to<Builder>(cells.values, static_cast<Value>(value));
}

Status append_date(const Cells& cells, std::int64_t days) {
  if (days < kFirstDay || days > kLastDay) {
    return range_error(cells.column, "date outside the years 1 to 9999");
  }
  return append_to<arrow::Date32Builder>(cells.values, static_cast<std::int32_t>(days));
}

Status append_timestamp(const Cells& cells, std::int64_t microseconds) {
  if (microseconds < kFirstMicrosecond || microseconds > kLastMicrosecond) {
    return range_error(cells.column, "timestamp outside the years 1 to 9999");
  }
  return append_to<arrow::TimestampBuilder>(cells.values, microseconds);
}

}  // namespace

struct BatchBuilder::State {
  std::shared_ptr<arrow::Schema> schema;
  std::vector<Cells> cells;
  std::size_t bytes = 0;
};

BatchBuilder::BatchBuilder(const Schema& schema) : state_(std::make_unique<State>()) {
  state_->schema = arrow_schema(schema);
  for (const Column& column : schema.columns) {
    Cells cells;
    cells.column = column;
    // Fails only for types that arrow_type() never returns.
    cells.whole = arrow::MakeBuilder(arrow_type(column), memory()).ValueOrDie();
    cells.values = column.type.is_array
                       ? static_cast<arrow::ListBuilder&>(*cells.whole).value_builder()
                       : cells.whole.get();
    state_->cells.push_back(std::move(cells));
  }
}

BatchBuilder::~BatchBuilder() = default;
BatchBuilder::BatchBuilder(BatchBuilder&&) noexcept = default;
BatchBuilder& BatchBuilder::operator=(BatchBuilder&&) noexcept = default;

Status BatchBuilder::append_null(std::size_t column) {
  Cells& cells = state_->cells[column];
  ++state_->bytes;
  if (cells.is_open) return done(cells.values->AppendNull());
  if (!cells.column.is_nullable) {
    return range_error(cells.column, "null in a column that has none");
  }
  return done(cells.whole->AppendNull());
}

Status BatchBuilder::append_boolean(std::size_t column, bool value) {
  ++state_->bytes;
  return append_to<arrow::BooleanBuilder>(state_->cells[column].values, value);
}

Status BatchBuilder::append_integer(std::size_t column, std::int64_t value) {
  const Cells& cells = state_->cells[column];
  state_->bytes += sizeof value;
  switch (cells.column.type.kind) {
    case TypeKind::kShort:
      return append_integer_to<arrow::Int16Builder>(cells, value);
    case TypeKind::kInteger:
      return append_integer_to<arrow::Int32Builder>(cells, value);
    case TypeKind::kDate:
      return append_date(cells, value);
    case TypeKind::kTimestamp:
      return append_timestamp(cells, value);
    default:
      return append_to<arrow::Int64Builder>(cells.values, value);
  }
}

Status BatchBuilder::append_real(std::size_t column, double value) {
  const Cells& cells = state_->cells[column];
  state_->bytes += sizeof value;
  if (cells.column.type.kind == TypeKind::kDouble) {
    return append_to<arrow::DoubleBuilder>(cells.values, value);
  }
  return append_to<arrow::FloatBuilder>(cells.values, static_cast<float>(value));
}

Status BatchBuilder::append_decimal(std::size_t column, std::string_view digits) {
  const Cells& cells = state_->cells[column];
  const Type& type = cells.column.type;
  state_->bytes += sizeof(arrow::Decimal128);
  arrow::Decimal128 value;
  std::int32_t precision = 0;
  std::int32_t scale = 0;
  if (!arrow::Decimal128::FromString(digits, &value, &precision, &scale).ok()) {
    return range_error(cells.column, "not a decimal");
  }
  const auto scaled = value.Rescale(scale, type.scale);
  if (!scaled.ok() || !scaled->FitsInPrecision(type.precision)) {
    return range_error(cells.column, "decimal has more digits than its type");
  }
  return append_to<arrow::Decimal128Builder>(cells.values, *scaled);
}

Status BatchBuilder::append_unscaled(std::size_t column, Int128 value) {
  const Cells& cells = state_->cells[column];
  state_->bytes += sizeof(arrow::Decimal128);
  const arrow::Decimal128 decimal(static_cast<std::int64_t>(value >> 64U),
                                  static_cast<std::uint64_t>(value));
  if (!decimal.FitsInPrecision(cells.column.type.precision)) {
    return range_error(cells.column, "decimal has more digits than its type");
  }
  return append_to<arrow::Decimal128Builder>(cells.values, decimal);
}

Status BatchBuilder::append_text(std::size_t column, std::string_view value) {
  const Cells& cells = state_->cells[column];
  state_->bytes += value.size() + sizeof(std::int32_t);
  if (cells.column.type.kind == TypeKind::kString && !is_utf8(value)) {
    return range_error(cells.column, "text is not UTF-8");
  }
  return append_to<arrow::BinaryBuilder>(cells.values, value);
}

Status BatchBuilder::open_array(std::size_t column) {
  Cells& cells = state_->cells[column];
  cells.is_open = true;
  state_->bytes += sizeof(std::int32_t);
  return done(static_cast<arrow::ListBuilder&>(*cells.whole).Append());
}

void BatchBuilder::close_array(std::size_t column) { state_->cells[column].is_open = false; }

std::size_t BatchBuilder::bytes() const noexcept { return state_->bytes; }

Result<Batch> BatchBuilder::finish() {
  arrow::ArrayVector columns;
  for (Cells& cells : state_->cells) {
    std::shared_ptr<arrow::Array> column;
    const arrow::Status status = cells.whole->Finish(&column);
    if (!status.ok()) return error_of(status, "could not collect rows");
    columns.push_back(std::move(column));
  }
  state_->bytes = 0;
  const std::int64_t rows = columns.empty() ? 0 : columns.front()->length();
  for (const auto& column : columns) {
    if (column->length() != rows) {
      return Error{ErrorCode::kInternal, "columns of a batch differ in length", "", ""};
    }
  }
  return Batch(arrow::RecordBatch::Make(state_->schema, rows, std::move(columns)));
}

void BatchBuilder::clear() {
  for (Cells& cells : state_->cells) {
    cells.whole->Reset();
    cells.is_open = false;
  }
  state_->bytes = 0;
}

}  // namespace lakehouse::delta
