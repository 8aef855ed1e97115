// SPDX-License-Identifier: PostgreSQL
// The one SELECT behind every scan.
#include "worker/warehouses/connection_row.hpp"

namespace lakehouse::worker::warehouses {
namespace {

constexpr const char* kSelect =
    "SELECT tenant_id::text, id::text, engine, endpoint, warehouse, catalog, schema, auth, "
    "username, secret, secret_version, (status = 'revoked')::int "
    "FROM lakehouse.warehouse_connections WHERE id = $1::uuid";

Error absent_error(const std::string& id) {
  return {ErrorCode::kNotFound, "warehouse connection \"" + id + "\" does not exist", "",
          "Check the option \"connection\" of the foreign server."};
}

// The database refuses a second row; if it is there all the same, neither may be trusted.
Error ambiguous_error(const std::string& id) {
  return {ErrorCode::kPermissionDenied, "two warehouse connections have the id \"" + id + "\"", "",
          "Remove the one that is not named by the foreign server."};
}

std::string or_empty(std::optional<std::string> text) { return std::move(text).value_or(""); }

Result<ConnectionRow> to_connection_row(db::Row row) {
  ConnectionRow read;
  read.tenant_id = row.text();
  read.id = row.text();
  read.engine = row.text();
  read.endpoint = row.text();
  read.warehouse = or_empty(row.text_or_null());
  read.catalog = or_empty(row.text_or_null());
  read.schema = or_empty(row.text_or_null());
  read.auth = row.text();
  read.username = or_empty(row.text_or_null());
  read.secret = row.bytes_or_null();
  read.secret_version = row.integer();
  read.is_revoked = row.integer() != 0;
  if (Status sound = row.finish(); !sound) return sound.error();
  return read;
}

}  // namespace

Result<ConnectionRow> read_connection_row(db::Pool& pool, const std::string& id,
                                          const Context& context) {
  auto rows = pool.query(kSelect, {db::Value::text(id)}, context);
  if (!rows) return rows.error();
  if (rows->count() == 0) return absent_error(id);
  if (rows->count() > 1) return ambiguous_error(id);
  return to_connection_row(rows->row(0));
}

}  // namespace lakehouse::worker::warehouses
