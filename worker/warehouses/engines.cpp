// SPDX-License-Identifier: PostgreSQL
// From a row to a connector's options.
#include "worker/warehouses/engines.hpp"

#include <array>
#include <string_view>

#include "core/warehouse/databricks/options.hpp"

namespace lakehouse::worker::warehouses {
namespace {

using Client = lakehouse::http::Client;

Error unknown_value_error(const std::string& column, const std::string& value) {
  return {ErrorCode::kInvalidArgument,
          "warehouse connection has unknown " + column + " \"" + value + "\"", "",
          "Bring extension and worker to one version."};
}

Result<SharedWarehouse> connect_databricks(const ConnectionRow& row, Secret secret, Client& client,
                                           warehouse::ParsePool& pool) {
  warehouse::databricks::Options options;
  options.workspace_url = row.endpoint;
  options.warehouse_id = row.warehouse;
  options.catalog = row.catalog;
  options.schema = row.schema;
  if (row.auth == "token") {
    options.token = std::move(secret);
  } else if (row.auth == "client_credentials") {
    options.client_id = row.username;
    options.client_secret = std::move(secret);
  } else {
    return unknown_value_error("auth", row.auth);
  }
  auto connected = warehouse::databricks::connect(std::move(options), client, pool);
  if (!connected) return connected.error();
  return SharedWarehouse(*std::move(connected));
}

struct Engine {
  std::string_view name;
  Result<SharedWarehouse> (*connect)(const ConnectionRow&, Secret, Client&, warehouse::ParsePool&);
};

constexpr std::array<Engine, 1> kEngines = {{{"databricks", connect_databricks}}};

}  // namespace

Connect connect_by_engine(Client& client, warehouse::ParsePool& pool) {
  return [&client, &pool](const ConnectionRow& row, Secret secret) -> Result<SharedWarehouse> {
    for (const Engine& engine : kEngines) {
      if (engine.name == row.engine) return engine.connect(row, std::move(secret), client, pool);
    }
    return unknown_value_error("engine", row.engine);
  };
}

}  // namespace lakehouse::worker::warehouses
