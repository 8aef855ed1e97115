// SPDX-License-Identifier: PostgreSQL
// Formats: the send functions of PostgreSQL's types (src/backend/utils/adt); all numbers are in
// network byte order.
#include "worker/publish/cells.hpp"

#include <array>
#include <bit>
#include <cstring>
#include <limits>

#include "worker/publish/numeric.hpp"

namespace lakehouse::worker::publish {
namespace {

using delta::TypeKind;

// Object ids of built-in types, fixed in the server's catalog.
enum Sent : std::uint32_t {
  kBool = 16,
  kBytea = 17,
  kName = 19,
  kInt8 = 20,
  kInt2 = 21,
  kInt4 = 23,
  kText = 25,
  kFloat4 = 700,
  kFloat8 = 701,
  kBpchar = 1042,
  kVarchar = 1043,
  kDate = 1082,
  kTimestamp = 1114,
  kTimestamptz = 1184,
  kNumeric = 1700,
  kUuid = 2950,
};

struct ArrayType {
  std::uint32_t array, element;
};
constexpr std::array<ArrayType, 16> kArrays = {{{1000, kBool},
                                                {1001, kBytea},
                                                {1003, kName},
                                                {1016, kInt8},
                                                {1005, kInt2},
                                                {1007, kInt4},
                                                {1009, kText},
                                                {1021, kFloat4},
                                                {1022, kFloat8},
                                                {1014, kBpchar},
                                                {1015, kVarchar},
                                                {1182, kDate},
                                                {1115, kTimestamp},
                                                {1185, kTimestamptz},
                                                {1231, kNumeric},
                                                {2951, kUuid}}};

// PostgreSQL counts days and microseconds from 2000-01-01.
constexpr std::int64_t kDays1970To2000 = 10'957;
constexpr std::int64_t kMicroseconds1970To2000 = kDays1970To2000 * 86'400'000'000;

template <typename Number>
Number number_of(const char* bytes) {
  Number number;
  std::memcpy(&number, bytes, sizeof number);
  if constexpr (sizeof number == 2) return static_cast<Number>(__builtin_bswap16(number));
  if constexpr (sizeof number == 4) return static_cast<Number>(__builtin_bswap32(number));
  if constexpr (sizeof number == 8) return static_cast<Number>(__builtin_bswap64(number));
}

Error malformed_error(const delta::Column& column) {
  return {ErrorCode::kInternal, "unexpected value from the database",
          "Column \"" + column.name + "\".", ""};
}

Error infinite_error(const delta::Column& column) {
  return {ErrorCode::kValueOutOfRange, "a Delta table can't hold infinity in a date or timestamp",
          "Column \"" + column.name + "\".",
          "Publish a view that replaces it, for example by NULL."};
}

using Builder = delta::BatchBuilder;

Status read_boolean(const delta::Column& column, Builder& builder, std::size_t place,
                    std::string_view bytes) {
  if (bytes.size() != 1) return malformed_error(column);
  return builder.append_boolean(place, bytes[0] != 0);
}

template <typename Number>
Status read_integer(const delta::Column& column, Builder& builder, std::size_t place,
                    std::string_view bytes) {
  if (bytes.size() != sizeof(Number)) return malformed_error(column);
  return builder.append_integer(place, number_of<Number>(bytes.data()));
}

Status read_float(const delta::Column& column, Builder& builder, std::size_t place,
                  std::string_view bytes) {
  if (bytes.size() != sizeof(float)) return malformed_error(column);
  const auto bits = number_of<std::uint32_t>(bytes.data());
  return builder.append_real(place, static_cast<double>(std::bit_cast<float>(bits)));
}

Status read_double(const delta::Column& column, Builder& builder, std::size_t place,
                   std::string_view bytes) {
  if (bytes.size() != sizeof(double)) return malformed_error(column);
  return builder.append_real(place, std::bit_cast<double>(number_of<std::uint64_t>(bytes.data())));
}

Status read_decimal(const delta::Column& column, Builder& builder, std::size_t place,
                    std::string_view bytes) {
  auto value = unscaled_numeric(bytes, column.type.scale);
  if (!value) {
    Error error = std::move(value).error();
    error.detail = "Column \"" + column.name + "\".";
    return error;
  }
  return builder.append_unscaled(place, *value);
}

Status read_date(const delta::Column& column, Builder& builder, std::size_t place,
                 std::string_view bytes) {
  if (bytes.size() != sizeof(std::int32_t)) return malformed_error(column);
  const auto days = number_of<std::int32_t>(bytes.data());
  using Limits = std::numeric_limits<std::int32_t>;
  if (days == Limits::max() || days == Limits::min()) return infinite_error(column);
  return builder.append_integer(place, days + kDays1970To2000);
}

Status read_timestamp(const delta::Column& column, Builder& builder, std::size_t place,
                      std::string_view bytes) {
  if (bytes.size() != sizeof(std::int64_t)) return malformed_error(column);
  const auto microseconds = number_of<std::int64_t>(bytes.data());
  using Limits = std::numeric_limits<std::int64_t>;
  if (microseconds == Limits::max() || microseconds == Limits::min()) return infinite_error(column);
  return builder.append_integer(place, microseconds + kMicroseconds1970To2000);
}

Status read_bytes(const delta::Column&, Builder& builder, std::size_t place,
                  std::string_view bytes) {
  return builder.append_text(place, bytes);
}

Status read_uuid(const delta::Column& column, Builder& builder, std::size_t place,
                 std::string_view bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  constexpr std::size_t kUuidBytes = 16, kTextBytes = 36;
  if (bytes.size() != kUuidBytes) return malformed_error(column);
  std::array<char, kTextBytes> text;
  std::size_t at = 0;
  for (std::size_t i = 0; i < kUuidBytes; ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) text[at++] = '-';
    const auto byte = static_cast<unsigned char>(bytes[i]);
    text[at++] = kDigits[byte >> 4U];
    text[at++] = kDigits[byte & 0xFU];
  }
  return builder.append_text(place, {text.data(), text.size()});
}

bool is_text(std::uint32_t sent) {
  return sent == kText || sent == kVarchar || sent == kBpchar || sent == kName;
}

}  // namespace

Result<Cells> Cells::open(const delta::Schema& schema, const std::vector<std::uint32_t>& types) {
  Cells cells;
  for (std::size_t i = 0; i < schema.columns.size(); ++i) {
    Plan plan;
    plan.column = schema.columns[i];
    std::uint32_t sent = i < types.size() ? types[i] : 0;
    if (plan.column.type.is_array) {
      for (const ArrayType& type : kArrays) {
        if (type.array == sent) plan.element = type.element;
      }
      sent = plan.element;
    }
    plan.read = reader_of(plan.column.type, sent);
    if (plan.read == nullptr) {
      return Error{ErrorCode::kTypeNotSupported, "a published column has an unexpected type",
                   "Column \"" + plan.column.name + "\".",
                   "Publish again: the table was being changed."};
    }
    cells.plans_.push_back(std::move(plan));
  }
  return cells;
}

Cells::Read Cells::reader_of(const delta::Type& type, std::uint32_t sent) {
  switch (type.kind) {
    case TypeKind::kBoolean:
      return sent == kBool ? read_boolean : nullptr;
    case TypeKind::kShort:
      return sent == kInt2 ? read_integer<std::int16_t> : nullptr;
    case TypeKind::kInteger:
      return sent == kInt4 ? read_integer<std::int32_t> : nullptr;
    case TypeKind::kLong:
      return sent == kInt8 ? read_integer<std::int64_t> : nullptr;
    case TypeKind::kFloat:
      return sent == kFloat4 ? read_float : nullptr;
    case TypeKind::kDouble:
      return sent == kFloat8 ? read_double : nullptr;
    case TypeKind::kDecimal:
      return sent == kNumeric ? read_decimal : nullptr;
    case TypeKind::kDate:
      return sent == kDate ? read_date : nullptr;
    case TypeKind::kTimestamp:
      return sent == kTimestamp || sent == kTimestamptz ? read_timestamp : nullptr;
    case TypeKind::kBinary:
      return sent == kBytea ? read_bytes : nullptr;
    case TypeKind::kString:
      break;
  }
  if (sent == kUuid) return read_uuid;
  return is_text(sent) ? read_bytes : nullptr;
}

Status Cells::append(delta::BatchBuilder& builder, std::size_t column,
                     std::string_view bytes) const {
  const Plan& plan = plans_[column];
  if (plan.column.type.is_array) return append_array(plan, builder, column, bytes);
  return plan.read(plan.column, builder, column, bytes);
}

// Dimensions, a flag, the elements' type; for each dimension size and lower bound; then elements,
// each with its length, -1 for a null.
Status Cells::append_array(const Plan& plan, delta::BatchBuilder& builder, std::size_t place,
                           std::string_view bytes) {
  constexpr std::size_t kHeader = 12, kDimension = 8, kLength = 4;
  if (bytes.size() < kHeader) return malformed_error(plan.column);
  const auto dimensions = number_of<std::int32_t>(bytes.data());
  if (dimensions > 1) {
    return Error{ErrorCode::kValueOutOfRange, "a Delta table can't hold an array of arrays",
                 "Column \"" + plan.column.name + "\".",
                 "Publish a view that leaves the column out or casts it to text."};
  }
  if (number_of<std::uint32_t>(bytes.data() + 8) != plan.element) {
    return malformed_error(plan.column);
  }
  if (Status opened = builder.open_array(place); !opened) return opened;
  std::string_view rest = bytes.substr(kHeader);
  if (dimensions == 1) {
    if (rest.size() < kDimension) return malformed_error(plan.column);
    rest.remove_prefix(kDimension);
  }
  while (!rest.empty()) {
    if (rest.size() < kLength) return malformed_error(plan.column);
    const auto length = number_of<std::int32_t>(rest.data());
    rest.remove_prefix(kLength);
    const auto size = static_cast<std::size_t>(length < 0 ? 0 : length);
    if (size > rest.size()) return malformed_error(plan.column);
    const Status appended = length < 0
                                ? builder.append_null(place)
                                : plan.read(plan.column, builder, place, rest.substr(0, size));
    if (!appended) return appended;
    rest.remove_prefix(size);
  }
  builder.close_array(place);
  return kDone;
}

}  // namespace lakehouse::worker::publish
