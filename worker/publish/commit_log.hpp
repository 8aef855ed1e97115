// SPDX-License-Identifier: PostgreSQL
// CommitLog: brings decided versions into the log of their table, in their order, each once. What
// is there already is compared: a commit that another has written ends the table's publishing.
#pragma once

#include <map>
#include <string>

#include "core/base/context.hpp"
#include "core/base/result.hpp"
#include "worker/db/connection.hpp"
#include "worker/publish/debug_steps.hpp"
#include "worker/publish/stores.hpp"

namespace lakehouse::worker::publish {

class CommitLog {
 public:
  // References outlive it.
  CommitLog(db::Connection& connection, Stores& stores, const DebugSteps& steps)
      : connection_(connection), stores_(stores), steps_(steps) {}

  // Of all the tenant's tables. Returns what failed, by table id; such a table stays where it is.
  // Errors: those of the database, kCancelled.
  Result<std::map<std::string, Error>> store_pending(const std::string& tenant_id,
                                                     const Context& context);

 private:
  struct Pending {
    std::string table_id, store_id, location, lines;
    std::int64_t version = 0;
  };
  Result<std::vector<Pending>> read_pending(const std::string& tenant_id, const Context& context);
  Status put(const Pending& commit, const Context& context);
  Status note_stored(const std::vector<Pending>& commits, const Context& context);

  db::Connection& connection_;
  Stores& stores_;
  const DebugSteps& steps_;
};

}  // namespace lakehouse::worker::publish
