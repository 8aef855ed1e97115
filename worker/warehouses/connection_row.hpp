// SPDX-License-Identifier: PostgreSQL
// One row of lakehouse.warehouse_connections, as the worker reads it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "core/base/context.hpp"
#include "core/base/result.hpp"
#include "core/vault/vault.hpp"
#include "worker/db/pool.hpp"

namespace lakehouse::worker::warehouses {

struct ConnectionRow {
  std::string tenant_id, id;  // uuids
  std::string engine, endpoint, warehouse, catalog, schema;
  std::string auth;                   // token, client_credentials
  std::string username;               // client id; empty for a token
  std::optional<std::string> secret;  // an envelope of the vault
  std::int64_t secret_version = 0;
  bool is_revoked = false;

  bool operator==(const ConnectionRow&) const = default;

  // Where the row's secret of `version` lives, for the vault.
  vault::Place secret_place(std::int64_t version) const;
};

// The endpoint is part of the place: whoever redirects a row to another host can't have its secret
// sent there. lakehouse.connect_databricks() names the place alike.
inline std::string secret_column(const std::string& endpoint) { return "secret for " + endpoint; }

inline vault::Place ConnectionRow::secret_place(std::int64_t version) const {
  return {tenant_id, "warehouse_connections", id, secret_column(endpoint),
          static_cast<std::uint64_t>(version)};
}

// One indexed round trip. Errors: kNotFound, kInvalidArgument (`id` is no uuid), the database's.
Result<ConnectionRow> read_connection_row(db::Pool& pool, const std::string& id,
                                          const Context& context);

}  // namespace lakehouse::worker::warehouses
