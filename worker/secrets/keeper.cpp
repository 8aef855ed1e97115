// SPDX-License-Identifier: PostgreSQL
// Locks the row, seals for its next version, writes, commits.
#include "worker/secrets/keeper.hpp"

#include "worker/warehouses/connection_row.hpp"

namespace lakehouse::worker::secrets {
namespace {

constexpr const char* kLockRow =
    "SELECT c.tenant_id::text, c.id::text, c.endpoint, c.secret_version "
    "FROM lakehouse.warehouse_connections c JOIN lakehouse.tenants t ON t.id = c.tenant_id "
    "WHERE t.slug = $1 AND c.name = $2 FOR UPDATE OF c";
constexpr const char* kWriteSecret =
    "UPDATE lakehouse.warehouse_connections "
    "SET secret = $3, secret_version = $4, status = 'untested', updated_at = now() "
    "WHERE tenant_id = $1::uuid AND id = $2::uuid";

Result<vault::Place> lock_row(db::Connection& connection, const std::string& tenant,
                              const std::string& name, const Context& context) {
  auto rows = connection.query(kLockRow, {db::Value::text(tenant), db::Value::text(name)}, context);
  if (!rows) return rows.error();
  if (rows->count() == 0) {
    return Error{
        ErrorCode::kNotFound,
        "warehouse connection \"" + name + "\" of tenant \"" + tenant + "\" does not exist", "",
        "Make it with lakehouse.connect_databricks() first."};
  }
  db::Row row = rows->row(0);
  vault::Place place{row.text(), "warehouse_connections", {}, {}, 0};
  place.row_id = row.text();
  place.column = warehouses::secret_column(row.text());
  place.version = static_cast<std::uint64_t>(row.integer()) + 1;
  if (Status sound = row.finish(); !sound) return sound.error();
  return place;
}

Status write_secret(db::Connection& connection, const vault::Place& place,
                    const std::string& envelope, const Context& context) {
  auto written = connection.query(
      kWriteSecret,
      {db::Value::text(place.tenant_id), db::Value::text(place.row_id), db::Value::bytes(envelope),
       db::Value::integer(static_cast<std::int64_t>(place.version))},
      context);
  if (!written) return written.error();
  if (written->changed_count() == 1) return kDone;
  return Error{ErrorCode::kInternal, "secret was not written", "", ""};
}

}  // namespace

Result<std::string> Keeper::seal(const vault::Place& place, const Secret& plaintext) {
  return vault_.seal(plaintext, place);
}

Result<std::uint64_t> Keeper::store(const std::string& tenant, const std::string& connection,
                                    const Secret& plaintext, const Context& context) {
  auto lease = pool_.acquire(context);
  if (!lease) return lease.error();
  auto transaction = db::Transaction::begin(**lease, context);
  if (!transaction) return transaction.error();
  auto place = lock_row(**lease, tenant, connection, context);
  if (!place) return place.error();
  auto envelope = vault_.seal(plaintext, *place);
  if (!envelope) return envelope.error();
  if (Status written = write_secret(**lease, *place, *envelope, context); !written) {
    return written.error();
  }
  if (Status committed = transaction->commit(context); !committed) return committed.error();
  return place->version;
}

}  // namespace lakehouse::worker::secrets
