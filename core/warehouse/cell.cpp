// SPDX-License-Identifier: PostgreSQL
// One reader per cell type, in a table in the order of the types; numbers, dates, intervals and
// numerics with files of their own.
#include "core/warehouse/cell.hpp"

#include <array>
#include <charconv>
#include <limits>
#include <utility>

#include "core/warehouse/datetime.hpp"
#include "core/warehouse/digits.hpp"
#include "core/warehouse/interval.hpp"
#include "core/warehouse/numeric.hpp"

namespace lakehouse::warehouse {
namespace {

using wire::BatchBuilder;
using wire::CellType;

std::string_view without_plus(std::string_view text) {
  const bool has_plus = text.size() > 1 && text[0] == '+' && text[1] != '-';
  return has_plus ? text.substr(1) : text;
}

bool is_word(std::string_view text, std::string_view lower) {
  if (text.size() != lower.size()) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char letter =
        text[i] >= 'A' && text[i] <= 'Z' ? static_cast<char>(text[i] | 0x20) : text[i];
    if (letter != lower[i]) return false;
  }
  return true;
}

CellFault append_bool(BatchBuilder& builder, std::size_t column, const CellColumn&,
                      std::string_view text) {
  if (is_word(text, "true")) return builder.append(column, std::uint8_t{1}), CellFault::kNone;
  if (is_word(text, "false")) return builder.append(column, std::uint8_t{0}), CellFault::kNone;
  return CellFault::kUnreadable;
}

// Every other form, and the faults.
template <typename Integer>
CellFault append_unusual_integer(BatchBuilder& builder, std::size_t column, std::string_view text) {
  text = without_plus(text);
  Integer value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (end != text.data() + text.size() || text.empty()) return CellFault::kUnreadable;
  if (error == std::errc::result_out_of_range) return CellFault::kOutOfRange;
  if (error != std::errc{}) return CellFault::kUnreadable;
  builder.append(column, value);
  return CellFault::kNone;
}

template <typename Integer>
CellFault append_integer(BatchBuilder& builder, std::size_t column, const CellColumn&,
                         std::string_view text) {
  const bool is_negative = !text.empty() && text.front() == '-';
  std::uint64_t number = 0;
  if (!read_digits(text.substr(is_negative ? 1 : 0), number)) {
    return append_unusual_integer<Integer>(builder, column, text);
  }
  const std::int64_t value =
      is_negative ? -static_cast<std::int64_t>(number) : static_cast<std::int64_t>(number);
  if (!std::in_range<Integer>(value)) return CellFault::kOutOfRange;
  builder.append(column, static_cast<Integer>(value));
  return CellFault::kNone;
}

// Java's and PostgreSQL's words; from_chars knows others ("inf", "nan(1)") that no engine writes.
template <typename Float>
bool read_special(std::string_view text, Float& value) {
  constexpr Float kInfinity = std::numeric_limits<Float>::infinity();
  if (is_word(text, "nan")) return value = std::numeric_limits<Float>::quiet_NaN(), true;
  if (is_word(text, "infinity") || is_word(text, "inf")) return value = kInfinity, true;
  if (is_word(text, "-infinity") || is_word(text, "-inf")) return value = -kInfinity, true;
  return false;
}

template <typename Float>
CellFault append_float(BatchBuilder& builder, std::size_t column, const CellColumn&,
                       std::string_view text) {
  text = without_plus(text);
  Float value = 0;
  const char last = text.empty() ? '\0' : text.back();
  const bool ends_in_digit = (last >= '0' && last <= '9') || last == '.';
  if (!ends_in_digit) {
    if (!read_special(text, value)) return CellFault::kUnreadable;
  } else {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (end != text.data() + text.size()) return CellFault::kUnreadable;
    if (error == std::errc::result_out_of_range) return CellFault::kOutOfRange;
    if (error != std::errc{}) return CellFault::kUnreadable;
  }
  builder.append(column, value);
  return CellFault::kNone;
}

constexpr std::array<std::int8_t, 256> make_hex_values() {
  std::array<std::int8_t, 256> values{};
  for (auto& value : values) value = -1;
  for (int i = 0; i < 10; ++i)
    values[static_cast<std::size_t>('0' + i)] = static_cast<std::int8_t>(i);
  for (int i = 0; i < 6; ++i) {
    values[static_cast<std::size_t>('a' + i)] = static_cast<std::int8_t>(10 + i);
    values[static_cast<std::size_t>('A' + i)] = static_cast<std::int8_t>(10 + i);
  }
  return values;
}
constexpr std::array<std::int8_t, 256> kHexValues = make_hex_values();

// Writes text.size() / 2 bytes; false at the first character that is no hex digit.
bool read_hex(std::string_view text, char* out) {
  for (std::size_t i = 0; i + 1 < text.size(); i += 2) {
    const int high = kHexValues[static_cast<unsigned char>(text[i])];
    const int low = kHexValues[static_cast<unsigned char>(text[i + 1])];
    if ((high | low) < 0) return false;
    *out++ = static_cast<char>(high << 4 | low);
  }
  return text.size() % 2 == 0;
}

CellFault append_uuid(BatchBuilder& builder, std::size_t column, const CellColumn&,
                      std::string_view text) {
  std::array<char, 32> digits{};
  if (text.size() == 36) {
    constexpr std::array<std::size_t, 4> kHyphens = {8, 13, 18, 23};
    for (const std::size_t place : kHyphens) {
      if (text[place] != '-') return CellFault::kUnreadable;
    }
    std::size_t count = 0;
    for (const char digit : text) {
      if (digit == '-') continue;
      if (count == digits.size()) return CellFault::kUnreadable;
      digits[count++] = digit;
    }
    if (count != digits.size()) return CellFault::kUnreadable;
    text = {digits.data(), digits.size()};
  }
  std::array<char, 16> uuid{};
  if (text.size() != 32 || !read_hex(text, uuid.data())) return CellFault::kUnreadable;
  builder.append(column, uuid);
  return CellFault::kNone;
}

CellFault append_bytea(BatchBuilder& builder, std::size_t column, const CellColumn&,
                       std::string_view text) {
  char* const out = builder.begin_varlena(column, text.size() / 2);
  if (!read_hex(text, out)) return CellFault::kUnreadable;
  builder.end_varlena(column, text.size() / 2);
  return CellFault::kNone;
}

CellFault append_numeric(BatchBuilder& builder, std::size_t column, const CellColumn& facts,
                         std::string_view text) {
  char* const out = builder.begin_varlena(column, numeric_room(text.size()));
  std::size_t size = 0;
  const CellFault fault =
      encode_numeric(text, facts.output.precision, facts.output.scale, out, size);
  if (fault == CellFault::kNone) builder.end_varlena(column, size);
  return fault;
}

template <typename Value, CellFault (*kRead)(std::string_view, Value&)>
CellFault append_read(BatchBuilder& builder, std::size_t column, const CellColumn&,
                      std::string_view text) {
  Value value{};
  const CellFault fault = kRead(text, value);
  if (fault == CellFault::kNone) builder.append(column, value);
  return fault;
}

CellFault append_interval(BatchBuilder& builder, std::size_t column, const CellColumn& facts,
                          std::string_view text) {
  wire::Interval interval;
  const CellFault fault = read_interval(text, facts.unit, interval);
  if (fault == CellFault::kNone) builder.append(column, interval);
  return fault;
}

// PostgreSQL's text holds no NUL byte.
CellFault append_text(BatchBuilder& builder, std::size_t column, const CellColumn&,
                      std::string_view text) {
  if (text.find('\0') != std::string_view::npos) return CellFault::kUnreadable;
  builder.append_varlena(column, text);
  return CellFault::kNone;
}

}  // namespace

CellReader reader_of(CellType type) {
  constexpr std::array<CellReader, wire::kCellTypeCount> kReaders = {
      append_bool,
      append_integer<std::int16_t>,
      append_integer<std::int32_t>,
      append_integer<std::int64_t>,
      append_float<float>,
      append_float<double>,
      append_read<std::int32_t, read_date>,
      append_read<std::int64_t, read_timestamp>,
      append_read<std::int64_t, read_timestamp>,
      append_interval,
      append_uuid,
      append_numeric,
      append_text,
      append_bytea};
  return kReaders[static_cast<std::size_t>(type)];
}

std::string_view name_of(CellType type) {
  constexpr std::array<std::string_view, wire::kCellTypeCount> kNames = {
      "boolean",
      "smallint",
      "integer",
      "bigint",
      "real",
      "double precision",
      "date",
      "timestamp without time zone",
      "timestamp with time zone",
      "interval",
      "uuid",
      "numeric",
      "text",
      "bytea"};
  return kNames[static_cast<std::size_t>(type)];
}

}  // namespace lakehouse::warehouse
