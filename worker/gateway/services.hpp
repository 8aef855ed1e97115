// SPDX-License-Identifier: PostgreSQL
// What the gateway needs from the rest of the worker, as interfaces, so that it knows neither
// database nor engines.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/base/context.hpp"
#include "core/base/result.hpp"
#include "core/base/secret.hpp"
#include "core/vault/vault.hpp"
#include "core/warehouse/warehouse.hpp"
#include "core/wire/message.hpp"
#include "worker/gateway/uses.hpp"
#include "worker/log/log.hpp"
#include "worker/metrics/counters.hpp"

namespace lakehouse::worker::gateway {

// A connection's warehouse, and where its names are looked up unless a request says otherwise.
struct ConnectedWarehouse {
  std::shared_ptr<warehouse::Warehouse> warehouse;
  std::string catalog, schema;
};

class WarehouseSource {
 public:
  virtual ~WarehouseSource() = default;
  virtual Result<ConnectedWarehouse> find(const std::string& connection_id,
                                          const Context& context) = 0;
};

class SecretStore {
 public:
  virtual ~SecretStore() = default;
  virtual Result<std::string> seal(const vault::Place& place, const Secret& plaintext) = 0;
  // The version that the secret now has.
  virtual Result<std::uint64_t> store(const std::string& tenant, const std::string& connection,
                                      const Secret& plaintext, const Context& context) = 0;
};

// The master keys, for `lakehouse-worker key`.
class KeyStore {
 public:
  virtual ~KeyStore() = default;
  virtual Result<std::uint32_t> add(const Context& context) = 0;
  virtual Result<std::vector<wire::ListedKey>> list(const Context& context) = 0;
  // True if the worker itself took the key out of its source.
  virtual Result<bool> retire(std::uint32_t id, const Context& context) = 0;
};

class AuditStore {
 public:
  virtual ~AuditStore() = default;
  // The record's seq, once it is durable. Bounds its own time: a record that was begun is ended.
  virtual Result<std::int64_t> record(wire::RecordAudit record) = 0;
  virtual Result<wire::AuditReport> verify(const std::string& tenant_id,
                                           const Context& context) = 0;
};

class Publisher {
 public:
  virtual ~Publisher() = default;
  // Publishes what has changed in a tenant's tables; ends when that is done.
  virtual Result<wire::PublishReport> publish_now(const wire::PublishNow& request,
                                                  const Context& context) = 0;
};

// References outlive the gateway.
struct Services {
  WarehouseSource& warehouses;
  SecretStore& secrets;
  KeyStore& keys;
  Uses& uses;
  AuditStore& audit;
  Publisher& publisher;
  std::function<wire::WorkerReport(const Context&)> report;
  metrics::Counters& counters;
  log::Log& log;
};

}  // namespace lakehouse::worker::gateway
