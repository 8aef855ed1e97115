// SPDX-License-Identifier: PostgreSQL
// Bounds are kept exactly while rows are added, and cut only when they are written.
#include "core/delta/statistics.hpp"

#include <arrow/array.h>
#include <arrow/record_batch.h>
#include <arrow/util/decimal.h>

#include <charconv>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <optional>
#include <utility>
#include <variant>

#include "core/base/json_text.hpp"
#include "core/delta/arrow.hpp"
#include "core/delta/utf8.hpp"

namespace lakehouse::delta {
namespace {

// As Spark cuts them.
constexpr std::size_t kLongestText = 32;

template <typename Value>
using Bounds = std::optional<std::pair<Value, Value>>;

template <typename Value, typename View>
void widen(Bounds<Value>& bounds, const View& value) {
  if (!bounds) {
    bounds.emplace(Value(value), Value(value));
  } else if (value < bounds->first) {
    bounds->first = Value(value);
  } else if (bounds->second < value) {
    bounds->second = Value(value);
  }
}

std::string quoted(std::string_view text) {
  std::string json;
  append_json_string(json, text);
  return json;
}

template <typename Number>
std::string shortest(Number value) {
  char text[64];
  const auto end = std::to_chars(text, text + sizeof text, value).ptr;
  return {text, end};
}

std::string date_text(std::chrono::sys_days day) {
  const std::chrono::year_month_day date(day);
  char text[40];
  std::snprintf(text, sizeof text, "%04d-%02u-%02u", static_cast<int>(date.year()),
                static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()));
  return text;
}

std::string timestamp_text(std::chrono::sys_time<std::chrono::milliseconds> time) {
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::hh_mm_ss clock(time - day);
  char text[80];
  std::snprintf(text, sizeof text, "\"%sT%02d:%02d:%02d.%03dZ\"", date_text(day).c_str(),
                static_cast<int>(clock.hours().count()), static_cast<int>(clock.minutes().count()),
                static_cast<int>(clock.seconds().count()),
                static_cast<int>(clock.subseconds().count()));
  return text;
}

// After the last instant of the year 9999 there is no millisecond that readers can parse.
constexpr std::chrono::sys_days kEndOfTime = std::chrono::year(10000) / 1 / 1;

struct JsonBounds {
  std::optional<std::string> least, greatest;
};

JsonBounds text_bounds(const std::pair<std::string, std::string>& bounds) {
  const auto cut = [](const std::string& text) { return utf8_prefix(text, kLongestText); };
  JsonBounds json{quoted(cut(bounds.first)), std::nullopt};
  const std::string_view greatest = cut(bounds.second);
  if (greatest.size() == bounds.second.size()) {
    json.greatest = quoted(greatest);
  } else if (const auto above = utf8_successor(greatest)) {
    json.greatest = quoted(*above);
  }
  return json;
}

JsonBounds timestamp_bounds(std::pair<std::int64_t, std::int64_t> bounds) {
  using Time = std::chrono::sys_time<std::chrono::microseconds>;
  const Time least{std::chrono::microseconds(bounds.first)};
  const Time greatest{std::chrono::microseconds(bounds.second)};
  const auto above = std::chrono::ceil<std::chrono::milliseconds>(greatest);
  JsonBounds json{timestamp_text(std::chrono::floor<std::chrono::milliseconds>(least)),
                  std::nullopt};
  if (above < kEndOfTime) json.greatest = timestamp_text(above);
  return json;
}

JsonBounds integer_bounds(TypeKind kind, std::pair<std::int64_t, std::int64_t> bounds) {
  if (kind == TypeKind::kTimestamp) return timestamp_bounds(bounds);
  if (kind == TypeKind::kDate) {
    const auto text = [](std::int64_t days) {
      return '"' + date_text(std::chrono::sys_days(std::chrono::days(days))) + '"';
    };
    return {text(bounds.first), text(bounds.second)};
  }
  return {std::to_string(bounds.first), std::to_string(bounds.second)};
}

JsonBounds real_bounds(TypeKind kind, std::pair<double, double> bounds) {
  const auto text = [kind](double value) -> std::optional<std::string> {
    if (std::isinf(value)) return std::nullopt;
    return kind == TypeKind::kFloat ? shortest(static_cast<float>(value)) : shortest(value);
  };
  // Zeros of both signs are equal, but not to every reader.
  if (bounds.first == 0) bounds.first = -0.0;
  if (bounds.second == 0) bounds.second = 0.0;
  return {text(bounds.first), text(bounds.second)};
}

}  // namespace

struct Statistics::ColumnBounds {
  Column column;
  std::int64_t nulls = 0;
  bool has_nan = false;
  // One of these is used.
  Bounds<std::int64_t> integers;
  Bounds<double> reals;
  Bounds<arrow::Decimal128> decimals;
  Bounds<std::string> texts;

  void add(const arrow::Array& values);
  JsonBounds json() const;

  template <typename Array>
  void add_integers(const arrow::Array& values) {
    const auto& typed = static_cast<const Array&>(values);
    for (std::int64_t row = 0; row < typed.length(); ++row) {
      if (!typed.IsNull(row)) widen(integers, std::int64_t{typed.Value(row)});
    }
  }
  template <typename Array>
  void add_reals(const arrow::Array& values) {
    const auto& typed = static_cast<const Array&>(values);
    for (std::int64_t row = 0; row < typed.length(); ++row) {
      if (typed.IsNull(row)) continue;
      const double value = typed.Value(row);
      has_nan = has_nan || std::isnan(value);
      if (!has_nan) widen(reals, value);
    }
  }
  void add_decimals(const arrow::Decimal128Array& values) {
    for (std::int64_t row = 0; row < values.length(); ++row) {
      if (!values.IsNull(row)) widen(decimals, arrow::Decimal128(values.GetValue(row)));
    }
  }
  void add_texts(const arrow::StringArray& values) {
    for (std::int64_t row = 0; row < values.length(); ++row) {
      if (!values.IsNull(row)) widen(texts, values.GetView(row));
    }
  }
};

void Statistics::ColumnBounds::add(const arrow::Array& values) {
  nulls += values.null_count();
  switch (values.type_id()) {
    case arrow::Type::INT16:
      return add_integers<arrow::Int16Array>(values);
    case arrow::Type::INT32:
      return add_integers<arrow::Int32Array>(values);
    case arrow::Type::INT64:
      return add_integers<arrow::Int64Array>(values);
    case arrow::Type::DATE32:
      return add_integers<arrow::Date32Array>(values);
    case arrow::Type::TIMESTAMP:
      return add_integers<arrow::TimestampArray>(values);
    case arrow::Type::FLOAT:
      return add_reals<arrow::FloatArray>(values);
    case arrow::Type::DOUBLE:
      return add_reals<arrow::DoubleArray>(values);
    case arrow::Type::DECIMAL128:
      return add_decimals(static_cast<const arrow::Decimal128Array&>(values));
    case arrow::Type::STRING:
      return add_texts(static_cast<const arrow::StringArray&>(values));
    default:
      return;
  }
}

JsonBounds Statistics::ColumnBounds::json() const {
  if (integers) return integer_bounds(column.type.kind, *integers);
  if (reals && !has_nan) return real_bounds(column.type.kind, *reals);
  if (texts) return text_bounds(*texts);
  if (decimals) {
    const int scale = column.type.scale;
    return {decimal_text(decimals->first, scale), decimal_text(decimals->second, scale)};
  }
  return {};
}

struct Statistics::State {
  std::int64_t rows = 0;
  std::vector<ColumnBounds> columns;
};

Statistics::Statistics(const Schema& schema) : state_(std::make_unique<State>()) {
  for (const Column& column : schema.columns) {
    state_->columns.emplace_back();
    state_->columns.back().column = column;
  }
}

Statistics::~Statistics() = default;
Statistics::Statistics(Statistics&&) noexcept = default;
Statistics& Statistics::operator=(Statistics&&) noexcept = default;

void Statistics::add(const Batch& batch) {
  state_->rows += batch.rows();
  for (std::size_t i = 0; i < state_->columns.size(); ++i) {
    state_->columns[i].add(*batch.columns()->column(static_cast<int>(i)));
  }
}

std::int64_t Statistics::rows() const noexcept { return state_->rows; }

std::string Statistics::json() const {
  std::string least, greatest, nulls;
  const auto append = [](std::string& members, const std::string& name, const std::string& value) {
    if (!members.empty()) members += ',';
    append_json_string(members, name);
    members += ':' + value;
  };
  for (const ColumnBounds& bounds : state_->columns) {
    const std::string& name = bounds.column.name;
    const JsonBounds json = bounds.json();
    if (json.least) append(least, name, *json.least);
    if (json.greatest) append(greatest, name, *json.greatest);
    append(nulls, name, std::to_string(bounds.nulls));
  }
  return R"({"numRecords":)" + std::to_string(state_->rows) + R"(,"minValues":{)" + least +
         R"(},"maxValues":{)" + greatest + R"(},"nullCount":{)" + nulls +
         R"(},"tightBounds":true})";
}

}  // namespace lakehouse::delta
