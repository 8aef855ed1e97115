// SPDX-License-Identifier: PostgreSQL
// Server: Delta Sharing (the protocol of delta-io/delta-sharing) below /delta-sharing. An endpoint
// is one function of a request. What is served are rows of the database; the log in the store is
// never read.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/vault/vault.hpp"
#include "worker/config/base_url.hpp"
#include "worker/db/pool.hpp"
#include "worker/gateway/services.hpp"
#include "worker/http/router.hpp"
#include "worker/log/log.hpp"
#include "worker/sharing/answer.hpp"
#include "worker/sharing/gate.hpp"
#include "worker/sharing/snapshot.hpp"
#include "worker/sharing/store.hpp"

namespace lakehouse::worker::sharing {

struct Parts {
  config::BaseUrl url;
  db::Pool& pool;
  const vault::Vault& vault;
  gateway::AuditStore& audit;
  log::Log& log;
};

class Server {
 public:
  explicit Server(const Parts& parts);

  // `this` must live as long as they are served.
  std::vector<http::Route> routes();

 private:
  using Method = http::Response (Server::*)(const http::Request&, const Context&);
  struct ListName {
    std::string kind, scope;
  };
  using Fetch = std::function<Result<Store::List>(std::string_view after, std::int64_t most)>;
  using Render = std::function<std::string(const Store::Named&)>;

  http::Response list_shares(const http::Request& request, const Context& context);
  http::Response get_share(const http::Request& request, const Context& context);
  http::Response list_schemas(const http::Request& request, const Context& context);
  http::Response list_tables(const http::Request& request, const Context& context);
  http::Response list(const http::Request& request, const ListName& name, const Fetch& fetch,
                      const Render& render, const Context& context);

  // 503, and why in the log.
  http::Response failed(const Error& error, const Context& context);
  static std::int64_t now();  // seconds since 1970

  const config::BaseUrl url_;
  const vault::Vault& vault_;
  gateway::AuditStore& audit_;
  log::Log& log_;
  Store store_;
  Gate gate_;
  Snapshots snapshots_;
};

}  // namespace lakehouse::worker::sharing
