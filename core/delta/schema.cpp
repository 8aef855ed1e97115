// SPDX-License-Identifier: PostgreSQL
// Checks of a schema, and its JSON form.
#include "core/delta/schema.hpp"

#include <algorithm>
#include <cctype>
#include <set>
#include <string_view>

#include "core/base/json_text.hpp"
#include "core/delta/utf8.hpp"

namespace lakehouse::delta {
namespace {

// Spark refuses them in Parquet names.
constexpr std::string_view kForbidden = " ,;{}()\n\t=";
constexpr std::uint8_t kMostDigits = 38;

Error name_error(const Column& column, std::string detail) {
  return {ErrorCode::kInvalidArgument,
          "column \"" + column.name + "\" can't be published under its name", std::move(detail),
          "Give the column another name in the view that is shared."};
}

// Readers of Delta tables compare names without case; of letters beyond ASCII each does it in its
// own way, so those are left as they are.
std::string folded(std::string_view name) {
  std::string text(name);
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(c < 0x80 ? std::tolower(c) : c); });
  return text;
}

Status check_name(const Column& column, std::set<std::string>& names) {
  const std::string& name = column.name;
  if (name.empty()) return name_error(column, "The name is empty.");
  if (!is_utf8(name)) return name_error(column, "The name is not UTF-8.");
  if (name.find_first_of(kForbidden) != std::string::npos) {
    return name_error(column, "A name has no blank, tab, line break, nor any of ,;{}()= in it.");
  }
  if (!names.insert(folded(name)).second) {
    return name_error(column, "Another column has it already, apart from upper and lower case.");
  }
  return kDone;
}

Status check_type(const Column& column) {
  const Type& type = column.type;
  const bool is_in_range =
      type.precision >= 1 && type.precision <= kMostDigits && type.scale <= type.precision;
  if (type.kind == TypeKind::kDecimal && !is_in_range) {
    return Error{ErrorCode::kInvalidArgument,
                 "column \"" + column.name + "\" has no publishable precision",
                 "A decimal has 1 to 38 digits, and no more of them behind the point.", ""};
  }
  return kDone;
}

Status check_ids(const Column& column, std::set<std::int32_t>& ids) {
  const bool is_new = column.id >= 1 && ids.insert(column.id).second;
  const bool is_element_new =
      !column.type.is_array || (column.element_id >= 1 && ids.insert(column.element_id).second);
  if (is_new && is_element_new) return kDone;
  return Error{ErrorCode::kInvalidArgument,
               "column \"" + column.name + "\" has no field id of its own", "", ""};
}

std::string_view plain_name(TypeKind kind) {
  switch (kind) {
    case TypeKind::kBoolean:
      return "boolean";
    case TypeKind::kShort:
      return "short";
    case TypeKind::kInteger:
      return "integer";
    case TypeKind::kLong:
      return "long";
    case TypeKind::kFloat:
      return "float";
    case TypeKind::kDouble:
      return "double";
    case TypeKind::kDecimal:
      return "decimal";
    case TypeKind::kString:
      return "string";
    case TypeKind::kBinary:
      return "binary";
    case TypeKind::kDate:
      return "date";
    case TypeKind::kTimestamp:
      break;
  }
  return "timestamp";
}

void append_type(std::string& json, const Type& type) {
  std::string name(plain_name(type.kind));
  if (type.kind == TypeKind::kDecimal) {
    name += '(' + std::to_string(type.precision) + ',' + std::to_string(type.scale) + ')';
  }
  if (!type.is_array) return append_json_string(json, name);
  json += R"({"type":"array","elementType":)";
  append_json_string(json, name);
  json += R"(,"containsNull":true})";
}

void append_column(std::string& json, const Column& column) {
  json += R"({"name":)";
  append_json_string(json, column.name);
  json += R"(,"type":)";
  append_type(json, column.type);
  json +=
      column.is_nullable ? R"(,"nullable":true,"metadata":{)" : R"(,"nullable":false,"metadata":{)";
  append_json_field(json, "comment", column.comment);
  json += "}}";
}

}  // namespace

Status check(const Schema& schema) {
  if (schema.columns.empty()) {
    return Error{ErrorCode::kInvalidArgument, "a published table has at least one column", "", ""};
  }
  std::set<std::string> names;
  std::set<std::int32_t> ids;
  for (const Column& column : schema.columns) {
    if (Status status = check_name(column, names); !status) return status;
    if (Status status = check_type(column); !status) return status;
    if (Status status = check_ids(column, ids); !status) return status;
  }
  return kDone;
}

std::string schema_json(const Schema& schema) {
  std::string json = R"({"type":"struct","fields":[)";
  for (const Column& column : schema.columns) {
    if (json.back() != '[') json += ',';
    append_column(json, column);
  }
  return json + "]}";
}

}  // namespace lakehouse::delta
