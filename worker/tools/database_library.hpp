// SPDX-License-Identifier: PostgreSQL
// DatabaseLibrary: Library over the rows of lakehouse.resources and lakehouse.prompts.
#pragma once

#include "worker/db/pool.hpp"
#include "worker/gateway/services.hpp"
#include "worker/tools/actor.hpp"
#include "worker/tools/library.hpp"

namespace lakehouse::worker::tools {

class DatabaseLibrary final : public Library {
 public:
  DatabaseLibrary(db::Pool& pool, gateway::AuditStore& audit)
      : pool_(pool), actor_(pool), audit_(audit) {}

  Result<std::string> resources(const oauth::Identity& caller, const Context& context) override;
  Result<std::string> templates(const oauth::Identity& caller, const Context& context) override;
  Result<std::string> prompts(const oauth::Identity& caller, const Context& context) override;
  Result<Outcome> read(const oauth::Identity& caller, std::string_view uri,
                       const Invocation& invocation, const Context& context) override;
  Result<Outcome> prompt(const oauth::Identity& caller, std::string_view name,
                         const Invocation& invocation, const Context& context) override;
  Result<Outcome> complete(const oauth::Identity& caller, std::string_view request,
                           const Context& context) override;

 private:
  Result<std::string> list(const char* sql, const oauth::Identity& caller, const Context& context);
  Result<Outcome> run(const oauth::Identity& caller, std::string_view what, db::Statement statement,
                      Listener* listener, const Context& context);

  db::Pool& pool_;
  Actor actor_;
  gateway::AuditStore& audit_;
};

}  // namespace lakehouse::worker::tools
