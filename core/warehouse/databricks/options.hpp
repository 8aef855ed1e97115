// SPDX-License-Identifier: PostgreSQL
// What it takes to reach one Databricks SQL warehouse, and connect(), the only way in for callers.
#pragma once

#include <memory>
#include <string>

#include "core/base/secret.hpp"
#include "core/http/client.hpp"
#include "core/warehouse/parse_pool.hpp"
#include "core/warehouse/warehouse.hpp"

namespace lakehouse::warehouse::databricks {

// Either a personal access token, or the client id and secret of a service principal (OAuth,
// machine to machine).
struct Options {
  std::string workspace_url;  // https://adb-1.2.azuredatabricks.net; a path or query is refused
  std::string warehouse_id;
  std::string catalog;  // of names without one; empty: the workspace's default
  std::string schema;
  Secret token;
  std::string client_id;
  Secret client_secret;
};

// Makes no call: it fails only if the options can't be right (kInvalidArgument). `client` and
// `pool` outlive the warehouse and its statements.
Result<std::unique_ptr<Warehouse>> connect(Options options, http::Client& client, ParsePool& pool);

}  // namespace lakehouse::warehouse::databricks
