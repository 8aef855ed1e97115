// SPDX-License-Identifier: PostgreSQL
// Registry: from a connection's id to the shared object that speaks to its warehouse.
// The row is read anew at each call, so that a change or revocation counts at once; the object,
// with its tokens and connections, is built anew only when the row has changed. Scans under way
// keep the old one.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/vault/vault.hpp"
#include "core/warehouse/warehouse.hpp"
#include "worker/gateway/services.hpp"
#include "worker/warehouses/connection_row.hpp"

namespace lakehouse::worker::warehouses {

using SharedWarehouse = std::shared_ptr<warehouse::Warehouse>;
// Builds the object of an engine; must not wait on the network.
using Connect = std::function<Result<SharedWarehouse>(const ConnectionRow& row, Secret secret)>;

class Registry final : public gateway::WarehouseSource {
 public:
  Registry(db::Pool& pool, const vault::Vault& vault, Connect connect)
      : pool_(pool), vault_(vault), connect_(std::move(connect)) {}

  // Errors: kNotFound (no such row), kUnauthenticated (revoked, no secret, or one that does not
  // open), kInvalidArgument (unknown engine or auth), the database's.
  Result<gateway::ConnectedWarehouse> find(const std::string& connection_id,
                                           const Context& context) override;

  // Drops the object with its tokens, once the scans under way have ended.
  void forget(const std::string& connection_id);
  // Ids of the connections that have an object here.
  std::vector<std::string> connections() const;

 private:
  struct Entry {
    ConnectionRow row;
    SharedWarehouse warehouse;
  };
  SharedWarehouse find_unchanged(const ConnectionRow& row);
  Result<SharedWarehouse> build(const ConnectionRow& row);

  db::Pool& pool_;
  const vault::Vault& vault_;
  const Connect connect_;
  mutable std::mutex mutex_;
  std::unordered_map<std::string, Entry> entries_;  // by the row's id
};

// What every request of a revoked connection is told.
Error revoked_error();

}  // namespace lakehouse::worker::warehouses
