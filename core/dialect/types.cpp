// SPDX-License-Identifier: PostgreSQL
// The two tables of types, and the few rules between them.
#include "core/dialect/types.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>

namespace lakehouse::dialect {
namespace {

using wire::CellType;

constexpr std::string_view kAsIs = "$1";
constexpr std::string_view kAsString = "CAST($1 AS STRING)";
constexpr std::string_view kAsJson = "to_json($1)";
// A number has no time zone and no fraction to lose: JSON results print timestamps with 3 digits
// only.
constexpr std::string_view kAsMicroseconds = "unix_micros($1)";
constexpr std::string_view kAsHex = "hex($1)";

constexpr RemoteType kUnknown{"", "text", ""};

constexpr auto kRemoteTypes = std::to_array<RemoteType>({
    {"array", "jsonb", ""},
    {"bigint", "bigint", "BIGINT"},
    {"binary", "bytea", "BINARY"},
    {"boolean", "boolean", "BOOLEAN"},
    {"byte", "smallint", "SMALLINT"},
    {"char", "text", ""},  // comparisons pad the other side with blanks
    {"date", "date", "DATE"},
    {"decimal", "numeric", "DECIMAL"},
    {"double", "double precision", "DOUBLE"},
    {"float", "real", "FLOAT"},
    {"int", "integer", "INT"},
    {"integer", "integer", "INT"},
    {"interval", "interval", ""},
    {"long", "bigint", "BIGINT"},
    {"map", "jsonb", ""},
    {"short", "smallint", "SMALLINT"},
    {"smallint", "smallint", "SMALLINT"},
    {"string", "text", "STRING"},
    {"struct", "jsonb", ""},
    {"timestamp", "timestamp with time zone", "TIMESTAMP"},
    {"timestamp_ntz", "timestamp without time zone", "TIMESTAMP_NTZ"},
    {"tinyint", "smallint", "SMALLINT"},
    {"varchar", "text", "STRING"},
    {"variant", "jsonb", ""},
});
static_assert(std::ranges::is_sorted(kRemoteTypes, {}, &RemoteType::name));

constexpr auto kLocalTypes = std::to_array<LocalType>({
    {16, "boolean", CellType::kBool, "BOOLEAN"},
    {17, "bytea", CellType::kBytea, "BINARY"},
    {20, "bigint", CellType::kInt8, "BIGINT"},
    {21, "smallint", CellType::kInt2, "SMALLINT"},
    {23, "integer", CellType::kInt4, "INT"},
    {25, "text", CellType::kText, "STRING"},
    {114, "json", CellType::kText, ""},
    {700, "real", CellType::kFloat4, "FLOAT"},
    {701, "double precision", CellType::kFloat8, "DOUBLE"},
    {1043, "character varying", CellType::kText, "STRING"},
    {1082, "date", CellType::kDate, "DATE"},
    {1114, "timestamp without time zone", CellType::kTimestamp, "TIMESTAMP_NTZ"},
    {1184, "timestamp with time zone", CellType::kTimestamptz, "TIMESTAMP"},
    {1186, "interval", CellType::kInterval, ""},
    {1700, "numeric", CellType::kNumeric, "DECIMAL"},
    {2950, "uuid", CellType::kUuid, ""},
    {3802, "jsonb", CellType::kText, ""},
});
static_assert(std::ranges::is_sorted(kLocalTypes, {}, &LocalType::oid));

// "DECIMAL(12,2)" → "decimal", written into `buffer`.
std::string_view first_word(std::string_view type_text, std::array<char, 32>& buffer) {
  std::size_t size = 0;
  for (const char letter : type_text) {
    const auto byte = static_cast<unsigned char>(letter);
    if ((std::isalnum(byte) == 0 && letter != '_') || size == buffer.size()) break;
    buffer[size++] = static_cast<char>(std::tolower(byte));
  }
  return {buffer.data(), size};
}

bool is_json(const LocalType& local) { return local.name == "json" || local.name == "jsonb"; }

}  // namespace

const RemoteType& remote_type_of(std::string_view type_text) {
  std::array<char, 32> buffer;
  const std::string_view word = first_word(type_text, buffer);
  const auto found = std::ranges::lower_bound(kRemoteTypes, word, {}, &RemoteType::name);
  return found != kRemoteTypes.end() && found->name == word ? *found : kUnknown;
}

std::string postgres_type_of(std::string_view type_text) {
  const RemoteType& remote = remote_type_of(type_text);
  const std::size_t modifier = type_text.find('(');
  std::string type(remote.postgres);
  if (remote.name == "decimal" && modifier != std::string_view::npos)
    type += type_text.substr(modifier);
  return type;
}

const LocalType* find_local_type(std::uint32_t oid) {
  const auto found = std::ranges::lower_bound(kLocalTypes, oid, {}, &LocalType::oid);
  return found != kLocalTypes.end() && found->oid == oid ? &*found : nullptr;
}

bool is_counterpart(const LocalType& local, DecimalModifier modifier,
                    std::string_view remote_type) {
  if (local.databricks.empty()) return false;
  if (remote_type.empty()) return true;
  if (remote_type_of(remote_type).counterpart != local.databricks) return false;
  return modifier.precision == 0 || modifier == decimal_modifier_of(remote_type);
}

DecimalModifier decimal_modifier_of(std::string_view type_text) {
  const std::size_t open = type_text.find('(');
  if (remote_type_of(type_text).name != "decimal" || open == std::string_view::npos) return {};
  DecimalModifier modifier;
  const char* const end = type_text.data() + type_text.size();
  const auto [comma, error] = std::from_chars(type_text.data() + open + 1, end, modifier.precision);
  if (error != std::errc{}) return {};
  const char* scale = comma;
  while (scale != end && (*scale == ',' || *scale == ' ')) ++scale;
  std::from_chars(scale, end, modifier.scale);
  return modifier;
}

Projection projection_of(const LocalType* local, DecimalModifier modifier,
                         std::string_view remote_type) {
  if (local == nullptr) return {kAsString, {}};
  if (is_json(*local)) {
    const std::string_view remote = remote_type_of(remote_type).postgres;
    return {remote == "text" && !remote_type.empty() ? kAsString : kAsJson, {}};
  }
  if (local->databricks.empty()) return {kAsString, {}};
  const bool is_same = is_counterpart(*local, modifier, remote_type);
  std::string_view outer = kAsIs;
  if (local->cell == CellType::kTimestamptz) outer = kAsMicroseconds;
  if (local->cell == CellType::kTimestamp) outer = kAsString;
  if (local->cell == CellType::kBytea) outer = kAsHex;
  return {outer, is_same ? std::string_view{} : local->databricks};
}

}  // namespace lakehouse::dialect
