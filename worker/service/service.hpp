// SPDX-License-Identifier: PostgreSQL
// Service: the running worker; all its parts, in the order of who needs whom.
#pragma once

#include <atomic>
#include <chrono>
#include <memory>

#include "core/http/client.hpp"
#include "core/warehouse/parse_pool.hpp"
#include "worker/api/server.hpp"
#include "worker/audit/journal.hpp"
#include "worker/config/settings.hpp"
#include "worker/db/pool.hpp"
#include "worker/gateway/gateway.hpp"
#include "worker/http/server.hpp"
#include "worker/log/log.hpp"
#include "worker/mcp/server.hpp"
#include "worker/metrics/counters.hpp"
#include "worker/oauth/database_gate.hpp"
#include "worker/oauth/server.hpp"
#include "worker/publish/debug_steps.hpp"
#include "worker/publish/housekeeping.hpp"
#include "worker/publish/jobs.hpp"
#include "worker/publish/stores.hpp"
#include "worker/secrets/keeper.hpp"
#include "worker/secrets/live_vault.hpp"
#include "worker/secrets/master_keys.hpp"
#include "worker/secrets/resealer.hpp"
#include "worker/secrets/rotation.hpp"
#include "worker/sharing/object_urls.hpp"
#include "worker/sharing/server.hpp"
#include "worker/tools/database_library.hpp"
#include "worker/tools/database_tools.hpp"
#include "worker/warehouses/registry.hpp"
#include "worker/warehouses/revocation_watch.hpp"

namespace lakehouse::worker::service {

class Service {
 public:
  // Vault, HTTP client, gateway, HTTP server. The database may come later: connections are made
  // when needed. An HTTP server that can't start (unusable certificate) is logged and left out,
  // because scans do not depend on it.
  static Result<std::unique_ptr<Service>> start(config::Settings settings, log::Log& log);

  // Running requests are told and remote statements closed. False if some did not end in time: then
  // the process must end without destroying this object, because a thread still uses it.
  bool stop(Deadline deadline);

  // Has the master keys read again from their file or command, and the certificate from its files.
  void reload();

 private:
  Service(config::Settings settings, std::unique_ptr<secrets::LiveVault> vault,
          std::unique_ptr<lakehouse::http::Client> client, log::Log& log);
  Status open_gateway();
  void warm_up();
  void open_http();
  http::Router routes();
  wire::WorkerReport report(const Context& context);

  const config::Settings settings_;
  log::Log& log_;
  const std::chrono::system_clock::time_point started_at_ = std::chrono::system_clock::now();
  metrics::Counters counters_;
  const std::unique_ptr<secrets::LiveVault> vault_;
  const std::unique_ptr<lakehouse::http::Client> client_;
  warehouse::ParsePool parse_pool_;
  db::Pool database_;
  warehouses::Registry warehouses_;
  secrets::Keeper secrets_;
  secrets::MasterKeys keys_;
  secrets::Resealer resealer_;
  gateway::Uses uses_;
  secrets::Rotation rotation_;
  warehouses::RevocationWatch revocation_watch_;
  audit::Journal audit_;
  publish::Buckets buckets_;
  publish::Stores stores_;
  sharing::ObjectUrls object_urls_{buckets_};
  publish::DebugSteps debug_steps_;
  publish::Jobs publish_jobs_;
  publish::Housekeeping housekeeping_;
  std::unique_ptr<gateway::Gateway> gateway_;
  db::Pool visits_;
  oauth::Server oauth_;
  oauth::DatabaseGate gate_;
  tools::DatabaseTools tools_;
  tools::DatabaseLibrary library_;
  mcp::Server mcp_;
  api::Server api_;
  db::Pool shared_reads_;
  std::unique_ptr<sharing::Server> sharing_;  // none: Delta Sharing is off
  std::unique_ptr<http::Server> http_;        // last: its routes look at everything above
  std::atomic<const http::Server*> listening_ =
      nullptr;  // http_, for sessions that run while it starts
};

}  // namespace lakehouse::worker::service
