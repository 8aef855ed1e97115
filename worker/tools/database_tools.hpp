// SPDX-License-Identifier: PostgreSQL
// DatabaseTools: Tools over the rows of lakehouse.tools.
#pragma once

#include <atomic>
#include <map>
#include <mutex>

#include "worker/db/pool.hpp"
#include "worker/gateway/services.hpp"
#include "worker/log/log.hpp"
#include "worker/tools/actor.hpp"
#include "worker/tools/shared_runs.hpp"
#include "worker/tools/started_queries.hpp"
#include "worker/tools/tools.hpp"

namespace lakehouse::worker::tools {

class DatabaseTools final : public Tools {
 public:
  // Connections of its own, so that tools wait for nothing else; `audit` outlives it.
  DatabaseTools(const db::Target& target, gateway::AuditStore& audit, log::Log& log);

  Result<std::string> list(const oauth::Identity& caller, const Context& context) override;
  Result<std::optional<Tool>> find(const oauth::Identity& caller, std::string_view name,
                                   const Context& context) override;
  Result<Outcome> call(const oauth::Identity& caller, const Tool& tool,
                       const Invocation& invocation, const Context& context) override;

  // For what else runs as a caller.
  db::Pool& pool() { return pool_; }

 private:
  struct Done {
    Outcome outcome;
    std::string sqlstate;
  };
  Result<db::Rows> look_up(db::Statement statement, const Context& context);
  Result<Outcome> perform(const oauth::Identity& caller, const Tool& tool,
                          const Invocation& invocation, const Context& context);
  Result<Done> dispatch(const oauth::Identity& caller, const Tool& tool,
                        const Invocation& invocation, const Context& context);
  Result<Done> call_function(const oauth::Identity& caller, const Tool& tool,
                             const Invocation& invocation, const Context& context);
  Result<Done> query_warehouse(const oauth::Identity& caller, const Tool& tool,
                               const Invocation& invocation, const Context& context);
  Result<Done> use_started(const oauth::Identity& caller, const Tool& tool,
                           const Invocation& invocation, const Context& context);
  std::string type_name(std::uint32_t type);

  db::Pool pool_;
  Actor actor_;
  gateway::AuditStore& audit_;
  SharedRuns shared_runs_;
  // Writes of this worker that have ended: no read joins one that began before a write's end.
  std::atomic<std::uint64_t> writes_ = 0;
  std::mutex types_mutex_;
  std::map<std::uint32_t, std::string> types_;
  StartedQueries started_;
};

}  // namespace lakehouse::worker::tools
