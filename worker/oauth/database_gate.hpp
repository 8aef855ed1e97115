// SPDX-License-Identifier: PostgreSQL
// DatabaseGate: the Gate that asks the database each time, in one statement; nothing is cached, so
// what is revoked is refused at once, by every worker.
#pragma once

#include "worker/config/public_url.hpp"
#include "worker/db/pool.hpp"
#include "worker/log/log.hpp"
#include "worker/oauth/gate.hpp"

namespace lakehouse::worker::oauth {

class DatabaseGate : public Gate {
 public:
  DatabaseGate(config::PublicUrl url, db::Pool& pool, log::Log& log)
      : url_(std::move(url)), pool_(pool), log_(log) {}

  std::variant<Identity, http::Response> admit(const http::Request& request,
                                               const std::vector<std::string>& asked,
                                               const Context& context) override;
  // Admits nobody, so that the first who asks finds a connection that has been through it.
  void warm_up(const Context& context);
  http::Response insufficient_scope(const http::Request& request,
                                    const std::vector<std::string>& needed) const override;

 private:
  const config::PublicUrl url_;
  db::Pool& pool_;
  log::Log& log_;
};

}  // namespace lakehouse::worker::oauth
