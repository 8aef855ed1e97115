// SPDX-License-Identifier: PostgreSQL
// Types by one table of names.
#include "worker/publish/columns.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "core/base/json_text.hpp"
#include "worker/json/value.hpp"

namespace lakehouse::worker::publish {
namespace {

using delta::TypeKind;

constexpr const char* kRead =
    "SELECT name, delta_type, select_expression, nullable::int4, comment, number "
    "FROM lakehouse.published_columns($1::oid::regclass)";

constexpr std::array<std::pair<std::string_view, TypeKind>, 10> kNames = {{
    {"boolean", TypeKind::kBoolean},
    {"short", TypeKind::kShort},
    {"integer", TypeKind::kInteger},
    {"long", TypeKind::kLong},
    {"float", TypeKind::kFloat},
    {"double", TypeKind::kDouble},
    {"string", TypeKind::kString},
    {"binary", TypeKind::kBinary},
    {"date", TypeKind::kDate},
    {"timestamp", TypeKind::kTimestamp},
}};

bool parse_number(std::string_view text, std::uint8_t& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size();
}

// "decimal(18,2)"
bool parse_decimal(std::string_view text, delta::Type& type) {
  constexpr std::string_view kStart = "decimal(";
  const std::size_t comma = text.find(',');
  if (!text.starts_with(kStart) || !text.ends_with(')') || comma == text.npos) return false;
  type.kind = TypeKind::kDecimal;
  const std::string_view scale = text.substr(comma + 1, text.size() - comma - 2);
  return parse_number(text.substr(kStart.size(), comma - kStart.size()), type.precision) &&
         parse_number(scale, type.scale);
}

std::string element_text(const delta::Type& type) {
  if (type.kind == TypeKind::kDecimal) {
    return "decimal(" + std::to_string(type.precision) + "," + std::to_string(type.scale) + ")";
  }
  for (const auto& [name, kind] : kNames) {
    if (kind == type.kind) return std::string(name);
  }
  return {};
}

Error damaged_error() {
  return {ErrorCode::kInternal, "columns of a published table can't be read",
          "They are in lakehouse.published_tables.columns.",
          "Publish the table anew with lakehouse.restart_publishing()."};
}

bool read_number(const json::Value& object, std::string_view name, std::int32_t& number) {
  const json::Value* value = object.find(name);
  if (value == nullptr || !value->is(json::Value::Kind::kInteger)) return false;
  const std::string& text = value->text;
  return std::from_chars(text.data(), text.data() + text.size(), number).ec == std::errc();
}

Result<delta::Column> parse_column(const json::Value& object) {
  delta::Column column;
  const auto name = object.string("name");
  const auto type = object.string("type");
  if (!name || !type || !read_number(object, "id", column.id) ||
      !read_number(object, "origin", column.origin)) {
    return damaged_error();
  }
  auto parsed = parse_type(*type);
  if (!parsed) return std::move(parsed).error();
  column.name = *name;
  column.type = *parsed;
  column.is_nullable = object.boolean("nullable");
  column.comment = object.string("comment").value_or("");
  if (column.type.is_array && !read_number(object, "element_id", column.element_id)) {
    return damaged_error();
  }
  return column;
}

const delta::Column* find_column(const delta::Schema& schema, const std::string& name) {
  const auto found = std::ranges::find(schema.columns, name, &delta::Column::name);
  return found == schema.columns.end() ? nullptr : &*found;
}

}  // namespace

Result<std::vector<std::size_t>> Columns::places_of(const std::vector<std::string>& names) const {
  std::vector<std::size_t> places;
  for (const std::string& name : names) {
    const auto found = std::ranges::find(schema.columns, name, &delta::Column::name);
    if (found == schema.columns.end()) {
      return Error{ErrorCode::kColumnNotFound, "a published table has lost a column of its key",
                   "Column \"" + name + "\".",
                   "Remove the table from its shares and add it again with another key."};
    }
    places.push_back(static_cast<std::size_t>(found - schema.columns.begin()));
  }
  return places;
}

Result<Columns> read_columns(db::Connection& connection, const std::string& source_id,
                             const Context& context) {
  auto rows = connection.query({kRead, {db::Value::text(source_id)}, "published_columns"}, context);
  if (!rows) return std::move(rows).error();
  Columns columns;
  for (int i = 0; i < rows->count(); ++i) {
    db::Row row = rows->row(i);
    delta::Column column;
    column.name = row.text();
    const std::string type_name = row.text();
    columns.expressions.push_back(row.text());
    column.is_nullable = row.integer() != 0;
    column.comment = row.text_or_null().value_or("");
    column.origin = static_cast<std::int32_t>(row.integer());
    if (Status sound = row.finish(); !sound) return std::move(sound).error();
    auto type = parse_type(type_name);
    if (!type) return std::move(type).error();
    column.type = *type;
    columns.schema.columns.push_back(std::move(column));
  }
  return columns;
}

Result<delta::Type> parse_type(std::string_view text) {
  constexpr std::string_view kArray = "array<";
  if (text.starts_with(kArray) && text.ends_with('>')) {
    auto element = parse_type(text.substr(kArray.size(), text.size() - kArray.size() - 1));
    if (element && !element->is_array) {
      element->is_array = true;
      return element;
    }
  }
  for (const auto& [name, kind] : kNames) {
    if (name == text) return delta::Type{.kind = kind};
  }
  delta::Type decimal;
  if (parse_decimal(text, decimal)) return decimal;
  return Error{ErrorCode::kTypeNotSupported, "a published column has an unknown type",
               "Type \"" + std::string(text) + "\".", "Bring extension and worker to one version."};
}

std::string type_text(const delta::Type& type) {
  return type.is_array ? "array<" + element_text(type) + ">" : element_text(type);
}

std::string columns_json(const delta::Schema& schema) {
  std::string text = "[";
  for (const delta::Column& column : schema.columns) {
    if (text.size() > 1) text += ',';
    text += "{\"name\":";
    append_json_string(text, column.name);
    text += ",\"type\":";
    append_json_string(text, type_text(column.type));
    text += ",\"id\":" + std::to_string(column.id);
    if (column.type.is_array) text += ",\"element_id\":" + std::to_string(column.element_id);
    text += column.is_nullable ? ",\"nullable\":true" : ",\"nullable\":false";
    text += ",\"comment\":";
    append_json_string(text, column.comment);
    text += ",\"origin\":" + std::to_string(column.origin) + '}';
  }
  return text + ']';
}

Result<delta::Schema> parse_columns(std::string_view json) {
  auto value = json::parse(json);
  if (!value || !value->is(json::Value::Kind::kArray)) return damaged_error();
  delta::Schema schema;
  for (const json::Member& member : value->members) {
    auto column = parse_column(member.value);
    if (!column) return std::move(column).error();
    schema.columns.push_back(*std::move(column));
  }
  return schema;
}

void give_ids(Columns& now, const delta::Schema& before, std::int32_t next_id) {
  now.next_id = next_id;
  for (delta::Column& column : now.schema.columns) {
    const delta::Column* earlier = find_column(before, column.name);
    if (earlier != nullptr && earlier->type == column.type && earlier->origin == column.origin) {
      column.id = earlier->id;
      column.element_id = earlier->element_id;
    } else {
      column.id = now.next_id++;
      if (column.type.is_array) column.element_id = now.next_id++;
    }
  }
}

bool is_same_layout(const delta::Schema& left, const delta::Schema& right) {
  return std::ranges::equal(
      left.columns, right.columns, [](const delta::Column& a, const delta::Column& b) {
        return a.name == b.name && a.type == b.type && a.is_nullable == b.is_nullable &&
               a.id == b.id && a.element_id == b.element_id;
      });
}

bool has_same_comments(const delta::Schema& left, const delta::Schema& right) {
  return std::ranges::equal(left.columns, right.columns, {}, &delta::Column::comment,
                            &delta::Column::comment);
}

}  // namespace lakehouse::worker::publish
