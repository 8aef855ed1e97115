// SPDX-License-Identifier: PostgreSQL
// The table of engines: which connector serves which value of warehouse_connections.engine.
#pragma once

#include "core/http/client.hpp"
#include "core/warehouse/parse_pool.hpp"
#include "worker/warehouses/registry.hpp"

namespace lakehouse::worker::warehouses {

// `client` and `pool` outlive every warehouse built.
Connect connect_by_engine(lakehouse::http::Client& client, warehouse::ParsePool& pool);

}  // namespace lakehouse::worker::warehouses
