// SPDX-License-Identifier: PostgreSQL
// Datum → the text form that reads the same in every session: ISO dates, UTC, shortest round-trip
// floats.
#include "extension/fdw/parameter.hpp"

#include <cmath>
#include <cstring>

#include "core/dialect/types.hpp"

namespace lakehouse::fdw {
namespace {

constexpr int kMaxDigits = 38;
constexpr int kMaxYear = 9999;  // beyond it Databricks prints and reads another form

const char* text_of_date(DateADT date) {
  if (DATE_NOT_FINITE(date)) return nullptr;
  int year = 0;
  int month = 0;
  int day = 0;
  j2date(date + POSTGRES_EPOCH_JDATE, &year, &month, &day);
  if (year < 1 || year > kMaxYear) return nullptr;
  return psprintf("%04d-%02d-%02d", year, month, day);
}

const char* text_of_timestamp(Timestamp timestamp, const char* zone) {
  pg_tm tm{};
  fsec_t microseconds = 0;
  if (TIMESTAMP_NOT_FINITE(timestamp)) return nullptr;
  if (timestamp2tm(timestamp, nullptr, &tm, &microseconds, nullptr, nullptr) != 0) return nullptr;
  if (tm.tm_year < 1 || tm.tm_year > kMaxYear) return nullptr;
  return psprintf("%04d-%02d-%02d %02d:%02d:%02d.%06d%s", tm.tm_year, tm.tm_mon, tm.tm_mday,
                  tm.tm_hour, tm.tm_min, tm.tm_sec, static_cast<int>(microseconds), zone);
}

const char* text_of_double(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "Infinity" : "-Infinity";
  char* text = static_cast<char*>(palloc(DOUBLE_SHORTEST_DECIMAL_LEN));
  double_to_shortest_decimal_buf(value, text);
  return text;
}

const char* text_of_float(float value) {
  if (std::isnan(value) || std::isinf(value)) return text_of_double(value);
  char* text = static_cast<char*>(palloc(FLOAT_SHORTEST_DECIMAL_LEN));
  float_to_shortest_decimal_buf(value, text);
  return text;
}

const char* text_of_text(Datum value) {
  char* plain = TextDatumGetCString(value);
  return pg_server_to_any(plain, static_cast<int>(std::strlen(plain)), PG_UTF8);
}

// nullptr: not sendable.
const char* text_of(Oid type, Datum value) {
  switch (type) {
    case BOOLOID:
      return DatumGetBool(value) ? "true" : "false";
    case INT2OID:
      return psprintf("%d", DatumGetInt16(value));
    case INT4OID:
      return psprintf("%d", DatumGetInt32(value));
    case INT8OID:
      return psprintf(INT64_FORMAT, DatumGetInt64(value));
    case FLOAT4OID:
      return text_of_float(DatumGetFloat4(value));
    case FLOAT8OID:
      return text_of_double(DatumGetFloat8(value));
    case NUMERICOID:
      return DatumGetCString(DirectFunctionCall1(numeric_out, value));
    case TEXTOID:
    case VARCHAROID:
      return text_of_text(value);
    case DATEOID:
      return text_of_date(DatumGetDateADT(value));
    case TIMESTAMPOID:
      return text_of_timestamp(DatumGetTimestamp(value), "");
    case TIMESTAMPTZOID:
      return text_of_timestamp(DatumGetTimestampTz(value), "+00:00");
    default:
      return nullptr;
  }
}

bool is_value_sendable(Oid type, Datum value, bool is_constant) {
  if (type != NUMERICOID) return text_of(type, value) != nullptr;
  const DecimalDigits digits = digits_of(value);
  if (!digits.is_finite || digits.whole + digits.scale > kMaxDigits) return false;
  return is_constant || (digits.whole <= kParameterWhole && digits.scale <= kParameterScale);
}

bool is_array_sendable(Oid element, Datum value) {
  std::int16_t length = 0;
  bool is_by_value = false;
  char alignment = 0;
  get_typlenbyvalalign(element, &length, &is_by_value, &alignment);
  Datum* items = nullptr;
  bool* nulls = nullptr;
  int count = 0;
  deconstruct_array(DatumGetArrayTypeP(value), element, length, is_by_value, alignment, &items,
                    &nulls, &count);
  for (int i = 0; i < count; ++i) {
    // Elements are held to the bound of late values: the planner compares lists without looking at
    // each.
    if (!nulls[i] && !is_value_sendable(element, items[i], false)) return false;
  }
  return true;
}

}  // namespace

DecimalDigits digits_of(Datum numeric) {
  const char* text = DatumGetCString(DirectFunctionCall1(numeric_out, numeric));
  if (*text == '-') ++text;
  if (*text < '0' || *text > '9') return {0, 0, false};  // NaN, Infinity
  while (*text == '0') ++text;
  const char* point = std::strchr(text, '.');
  if (point == nullptr) return {static_cast<int>(std::strlen(text)), 0, true};
  return {static_cast<int>(point - text), static_cast<int>(std::strlen(point + 1)), true};
}

bool is_sendable(const Const* constant) {
  if (constant->constisnull) return true;
  const Oid element = get_element_type(constant->consttype);
  return OidIsValid(element) ? is_array_sendable(element, constant->constvalue)
                             : is_value_sendable(constant->consttype, constant->constvalue, true);
}

Parameter make_parameter(Oid type, Datum value, bool is_null, bool is_constant) {
  const dialect::LocalType* local = dialect::find_local_type(type);
  if (local == nullptr || local->databricks.empty())
    elog(ERROR, "parameter of unsendable type %u", type);
  Parameter parameter{local->databricks.data(), nullptr};
  // The narrowest: a list is compared in a type wide enough for all its elements, if there is one.
  if (type == NUMERICOID) parameter.type = "DECIMAL(1, 0)";
  if (is_null) return parameter;
  if (!is_value_sendable(type, value, is_constant)) {
    ereport(ERROR,
            (errcode(ERRCODE_FDW_INVALID_DATA_TYPE),
             errmsg("value of type %s has no counterpart in the warehouse", format_type_be(type)),
             errdetail("The warehouse has no infinite dates, no years before 1 or after %d, no NaN "
                       "numerics and "
                       "at most %d digits, here %d before and %d after the point.",
                       kMaxYear, kMaxDigits, kParameterWhole, kParameterScale),
             errhint("Compare with a value inside those bounds, or set lakehouse.enable_pushdown "
                     "to off.")));
  }
  parameter.value = text_of(type, value);
  if (type == NUMERICOID) {
    const DecimalDigits digits = digits_of(value);
    const int precision = digits.whole + digits.scale;
    parameter.type = psprintf("DECIMAL(%d, %d)", precision > 0 ? precision : 1, digits.scale);
  }
  return parameter;
}

}  // namespace lakehouse::fdw
