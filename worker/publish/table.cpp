// SPDX-License-Identifier: PostgreSQL
// One statement reads all that is known of a tenant's tables; lists come as JSON.
#include "worker/publish/table.hpp"

#include "worker/json/value.hpp"
#include "worker/publish/columns.hpp"

namespace lakehouse::worker::publish {
namespace {

constexpr const char* kRead =
    "SELECT t.id::text, coalesce(t.store_id::text, ''), t.location, t.source::oid::text, "
    "coalesce(quote_ident(n.nspname) || '.' || quote_ident(c.relname), ''), "
    "coalesce(n.nspname || '.' || c.relname, t.location), "
    "coalesce(obj_description(c.oid, 'pg_class'), ''), "
    "to_json(t.key_columns)::text, k.places::text, k.types::text, "
    "(t.changes_of IS NULL)::int4, "
    "coalesce(lakehouse.has_unique_key(c.oid, t.key_columns), false)::int4, t.columns::text, "
    "t.next_column_id, t.version, "
    "(extract(epoch FROM t.created_at) * 1000)::int8, "
    "greatest(coalesce(v.total_rows, 0), coalesce(b.reltuples, 0)::int8, "
    "coalesce(c.reltuples, 0)::int8), (t.last_error IS NOT NULL)::int4 "
    "FROM lakehouse.published_tables t "
    "LEFT JOIN pg_class c ON c.oid = t.source LEFT JOIN pg_namespace n ON n.oid = c.relnamespace "
    "LEFT JOIN pg_class b ON b.oid = t.changes_of "
    "LEFT JOIN lakehouse.published_versions v ON v.table_id = t.id AND v.version = t.version "
    "CROSS JOIN LATERAL (SELECT json_agg(quote_ident(name) ORDER BY number) AS places, "
    "json_agg(coalesce(format_type(a.atttypid, NULL), '') ORDER BY number) AS types "
    "FROM unnest(t.key_columns) WITH ORDINALITY AS u(name, number) "
    "LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = name AND a.attnum > 0 "
    "AND NOT a.attisdropped) AS k "
    "WHERE t.tenant_id = $1 ORDER BY t.created_at, t.id";

std::vector<std::string> texts_of(const std::string& json) {
  std::vector<std::string> texts;
  if (const auto value = json::parse(json)) {
    for (const json::Member& member : value->members) texts.push_back(member.value.text);
  }
  return texts;
}

Result<Table> table_of(db::Row row) {
  Table table;
  table.id = row.text();
  table.store_id = row.text();
  table.location = row.text();
  table.source_id = row.text();
  table.source = row.text();
  table.name = row.text();
  table.description = row.text();
  table.key = texts_of(row.text());
  table.key_places = texts_of(row.text());
  table.key_types = texts_of(row.text());
  table.is_compared = row.integer() != 0;
  table.has_unique_index = row.integer() != 0;
  const auto columns = row.text_or_null();
  table.next_column_id = static_cast<std::int32_t>(row.integer());
  table.version = row.integer();
  table.created_ms = row.integer();
  table.expected_rows = row.integer();
  table.has_failed = row.integer() != 0;
  if (Status sound = row.finish(); !sound) return std::move(sound).error();
  if (!columns) return table;
  auto before = parse_columns(*columns);
  if (!before) return std::move(before).error();
  table.before = *std::move(before);
  return table;
}

}  // namespace

Result<std::vector<Table>> read_tables(db::Connection& connection, const std::string& tenant_id,
                                       const Context& context) {
  auto rows = connection.query({kRead, {db::Value::text(tenant_id)}, "tables"}, context);
  if (!rows) return std::move(rows).error();
  std::vector<Table> tables;
  for (int i = 0; i < rows->count(); ++i) {
    auto table = table_of(rows->row(i));
    if (!table) return std::move(table).error();
    tables.push_back(*std::move(table));
  }
  return tables;
}

delta::Metadata metadata_of(const Table& table, const delta::Schema& schema) {
  delta::Metadata metadata;
  metadata.id = table.id;
  metadata.name = table.name;
  metadata.description = table.description;
  metadata.schema_json = delta::schema_json(schema);
  metadata.configuration = {{"delta.enableChangeDataFeed", "true"}};
  metadata.created_ms = table.created_ms;
  return metadata;
}

std::string array_text(const std::vector<std::string>& texts) {
  std::string array = "{";
  for (const std::string& text : texts) {
    if (array.size() > 1) array += ',';
    array += '"';
    for (const char c : text) {
      if (c == '"' || c == '\\') array += '\\';
      array += c;
    }
    array += '"';
  }
  return array + '}';
}

}  // namespace lakehouse::worker::publish
