// SPDX-License-Identifier: PostgreSQL
// All names are qualified: the caller's search_path is not to be trusted.
#include "extension/client/tenant_admin.hpp"

namespace lakehouse::client {

void require_tenant_admin(Datum tenant_id, const char* what) {
  Oid types[] = {UUIDOID};
  Datum values[] = {tenant_id};
  SPI_connect();
  SPI_execute_with_args(
      "SELECT FROM lakehouse.tenants t WHERE t.id OPERATOR(pg_catalog.=) $1 "
      "AND pg_catalog.pg_has_role(t.slug OPERATOR(pg_catalog.||) '_admin', 'USAGE')",
      1, types, values, nullptr, true, 1);
  const bool is_admin = SPI_processed == 1;
  SPI_finish();
  if (is_admin) return;
  ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE), errmsg("permission denied to %s", what),
                  errdetail("Only a superuser or an admin of the tenant may do that.")));
}

}  // namespace lakehouse::client
