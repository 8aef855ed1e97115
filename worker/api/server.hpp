// SPDX-License-Identifier: PostgreSQL
// Server: the REST of administrators below /api/v1/admin. Who asks needs an access token, and its
// user the admin role of the tenant.
#pragma once

#include <optional>
#include <vector>

#include "worker/db/pool.hpp"
#include "worker/http/router.hpp"
#include "worker/log/log.hpp"
#include "worker/oauth/gate.hpp"

namespace lakehouse::worker::api {

class Server {
 public:
  Server(db::Pool& database, oauth::Gate& gate, log::Log& log)
      : database_(database), gate_(gate), log_(log) {}

  // `this` must live as long as they are served.
  std::vector<http::Route> routes();

 private:
  using Method = Result<http::Response> (Server::*)(const oauth::Identity&, const Context&);

  http::Response answer(Method method, const http::Request& request, const Context& context);
  // The refusal, unless the caller is an admin of its tenant.
  Result<std::optional<http::Response>> refuse(const oauth::Identity& caller,
                                               const Context& context);
  Result<http::Response> tool_catalog(const oauth::Identity& caller, const Context& context);

  db::Pool& database_;
  oauth::Gate& gate_;
  log::Log& log_;
};

}  // namespace lakehouse::worker::api
