// SPDX-License-Identifier: PostgreSQL
// Access to the rows of a batch.
#include "core/delta/batch.hpp"

#include <arrow/array.h>
#include <arrow/builder.h>
#include <arrow/record_batch.h>
#include <arrow/util/byte_size.h>
#include <arrow/util/decimal.h>

#include "core/delta/arrow.hpp"

namespace lakehouse::delta {
namespace {

template <typename Array>
const Array& cast(const std::shared_ptr<arrow::Array>& column) {
  return static_cast<const Array&>(*column);
}

}  // namespace

std::int64_t Batch::rows() const { return columns_->num_rows(); }

std::size_t Batch::bytes() const {
  const auto bytes = arrow::util::ReferencedBufferSize(*columns_);
  return static_cast<std::size_t>(bytes.ok() ? *bytes : arrow::util::TotalBufferSize(*columns_));
}

bool Batch::is_null(std::size_t column, std::int64_t row) const {
  return columns_->column(static_cast<int>(column))->IsNull(row);
}

bool Batch::boolean(std::size_t column, std::int64_t row) const {
  return cast<arrow::BooleanArray>(columns_->column(static_cast<int>(column))).Value(row);
}

std::int64_t Batch::integer(std::size_t column, std::int64_t row) const {
  const auto values = columns_->column(static_cast<int>(column));
  switch (values->type_id()) {
    case arrow::Type::INT16:
      return cast<arrow::Int16Array>(values).Value(row);
    case arrow::Type::INT32:
      return cast<arrow::Int32Array>(values).Value(row);
    case arrow::Type::DATE32:
      return cast<arrow::Date32Array>(values).Value(row);
    case arrow::Type::TIMESTAMP:
      return cast<arrow::TimestampArray>(values).Value(row);
    default:
      return cast<arrow::Int64Array>(values).Value(row);
  }
}

double Batch::real(std::size_t column, std::int64_t row) const {
  const auto values = columns_->column(static_cast<int>(column));
  return values->type_id() == arrow::Type::FLOAT
             ? static_cast<double>(cast<arrow::FloatArray>(values).Value(row))
             : cast<arrow::DoubleArray>(values).Value(row);
}

std::string Batch::decimal(std::size_t column, std::int64_t row) const {
  const auto values = columns_->column(static_cast<int>(column));
  const int scale = static_cast<const arrow::Decimal128Type&>(*values->type()).scale();
  const arrow::Decimal128 value(cast<arrow::Decimal128Array>(values).GetValue(row));
  return decimal_text(value, scale);
}

std::string_view Batch::text(std::size_t column, std::int64_t row) const {
  return cast<arrow::BinaryArray>(columns_->column(static_cast<int>(column))).GetView(row);
}

Result<Batch> Batch::keep(const std::vector<bool>& is_kept) const {
  arrow::RecordBatchVector runs;
  const auto rows = static_cast<std::size_t>(columns_->num_rows());
  for (std::size_t row = 0; row < rows;) {
    const std::size_t start = row;
    while (row < rows && is_kept[row] == is_kept[start]) ++row;
    if (is_kept[start]) {
      runs.push_back(columns_->Slice(static_cast<std::int64_t>(start),
                                     static_cast<std::int64_t>(row - start)));
    }
  }
  if (runs.empty()) return Batch(columns_->Slice(0, 0));
  if (runs.size() == 1) return Batch(runs.front());
  auto kept = arrow::ConcatenateRecordBatches(runs, memory());
  if (!kept.ok()) return error_of(kept.status(), "could not select rows");
  return Batch(*std::move(kept));
}

Result<Batch> Batch::with_text(const Column& column,
                               const std::vector<std::string_view>& texts) const {
  arrow::StringBuilder builder(memory());
  arrow::Status status;
  for (const std::string_view text : texts) {
    if (status.ok()) status = builder.Append(text);
  }
  std::shared_ptr<arrow::Array> values;
  if (status.ok()) status = builder.Finish(&values);
  if (!status.ok()) return error_of(status, "could not collect rows");
  auto schema = arrow_schema({{column}});
  auto wider = columns_->AddColumn(columns_->num_columns(), schema->field(0), values);
  if (!wider.ok()) return error_of(wider.status(), "could not collect rows");
  return Batch(*std::move(wider));
}

}  // namespace lakehouse::delta
