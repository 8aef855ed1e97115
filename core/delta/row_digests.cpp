// SPDX-License-Identifier: PostgreSQL
// Column by column, since each has one type.
#include "core/delta/row_digests.hpp"

#include <arrow/array.h>
#include <arrow/record_batch.h>

#include <array>
#include <bit>
#include <charconv>

#include "core/delta/arrow.hpp"

namespace lakehouse::delta {
namespace {

template <typename Array>
const Array& cast(const arrow::Array& values) {
  return static_cast<const Array&>(values);
}

using Text = std::array<char, 24>;

std::string_view write_integer(Text& text, std::int64_t value) {
  const auto end = std::to_chars(text.data(), text.data() + text.size(), value).ptr;
  return {text.data(), static_cast<std::size_t>(end - text.data())};
}

// Calls `add(value)` with the value at a place, as a word or as bytes.
template <typename Add>
void take_value(const arrow::Array& values, std::int64_t at, Add add) {
  switch (values.type_id()) {
    case arrow::Type::BOOL:
      return add(std::uint64_t{cast<arrow::BooleanArray>(values).Value(at)});
    case arrow::Type::INT16:
      return add(static_cast<std::uint64_t>(cast<arrow::Int16Array>(values).Value(at)));
    case arrow::Type::INT32:
      return add(static_cast<std::uint64_t>(cast<arrow::Int32Array>(values).Value(at)));
    case arrow::Type::DATE32:
      return add(static_cast<std::uint64_t>(cast<arrow::Date32Array>(values).Value(at)));
    case arrow::Type::TIMESTAMP:
      return add(static_cast<std::uint64_t>(cast<arrow::TimestampArray>(values).Value(at)));
    case arrow::Type::FLOAT:
      return add(
          std::uint64_t{std::bit_cast<std::uint32_t>(cast<arrow::FloatArray>(values).Value(at))});
    case arrow::Type::DOUBLE:
      return add(std::bit_cast<std::uint64_t>(cast<arrow::DoubleArray>(values).Value(at)));
    case arrow::Type::DECIMAL128:
      return add(cast<arrow::Decimal128Array>(values).GetView(at));
    case arrow::Type::STRING:
    case arrow::Type::BINARY:
      return add(cast<arrow::BinaryArray>(values).GetView(at));
    default:
      return add(static_cast<std::uint64_t>(cast<arrow::Int64Array>(values).Value(at)));
  }
}

void add_value(Digester& digester, const arrow::Array& values, std::int64_t at) {
  if (values.IsNull(at)) return digester.add_null();
  take_value(values, at, [&digester](auto value) { digester.add(value); });
}

void add_array(Digester& digester, const arrow::ListArray& arrays, std::int64_t at) {
  if (arrays.IsNull(at)) return digester.add_null();
  const std::int64_t first = arrays.value_offset(at);
  const std::int64_t count = arrays.value_length(at);
  digester.add(static_cast<std::uint64_t>(count));
  for (std::int64_t i = 0; i < count; ++i) add_value(digester, *arrays.values(), first + i);
}

// An integer as its text, for that is what a key is noted as.
void add_key(Digester& digester, const arrow::Array& values, std::int64_t at) {
  take_value(values, at, [&digester](auto value) {
    Text text;
    if constexpr (std::is_same_v<decltype(value), std::uint64_t>) {
      digester.add(write_integer(text, static_cast<std::int64_t>(value)));
    } else {
      digester.add(std::string_view(value));
    }
  });
}

std::vector<Digest> ends_of(const std::vector<Digester>& digesters) {
  std::vector<Digest> digests;
  digests.reserve(digesters.size());
  for (const Digester& digester : digesters) digests.push_back(digester.end());
  return digests;
}

}  // namespace

std::vector<Digest> row_digests(const Batch& batch) {
  std::vector<Digester> digesters(static_cast<std::size_t>(batch.rows()));
  for (const auto& column : batch.columns()->columns()) {
    const bool is_array = column->type_id() == arrow::Type::LIST;
    for (std::size_t row = 0; row < digesters.size(); ++row) {
      const auto at = static_cast<std::int64_t>(row);
      if (is_array) {
        add_array(digesters[row], cast<arrow::ListArray>(*column), at);
      } else {
        add_value(digesters[row], *column, at);
      }
    }
  }
  return ends_of(digesters);
}

Result<std::vector<Digest>> key_digests(const Batch& batch, std::span<const std::size_t> columns) {
  std::vector<Digester> digesters(static_cast<std::size_t>(batch.rows()));
  for (const std::size_t number : columns) {
    const auto values = batch.columns()->column(static_cast<int>(number));
    if (values->null_count() > 0) {
      const auto& name = batch.columns()->schema()->field(static_cast<int>(number))->name();
      return Error{ErrorCode::kInvalidArgument, "a row has no key",
                   "Column \"" + name + "\" of the key is NULL.", ""};
    }
    for (std::size_t row = 0; row < digesters.size(); ++row) {
      add_key(digesters[row], *values, static_cast<std::int64_t>(row));
    }
  }
  return ends_of(digesters);
}

Digest key_digest(std::span<const std::string> values) {
  Digester digester;
  for (const std::string& value : values) digester.add(std::string_view(value));
  return digester.end();
}

std::vector<std::string> key_values(const Batch& batch, std::span<const std::size_t> columns,
                                    std::int64_t row) {
  std::vector<std::string> values;
  for (const std::size_t number : columns) {
    take_value(*batch.columns()->column(static_cast<int>(number)), row, [&values](auto value) {
      Text text;
      if constexpr (std::is_same_v<decltype(value), std::uint64_t>) {
        values.emplace_back(write_integer(text, static_cast<std::int64_t>(value)));
      } else {
        values.emplace_back(value);
      }
    });
  }
  return values;
}

}  // namespace lakehouse::delta
