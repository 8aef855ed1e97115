// SPDX-License-Identifier: PostgreSQL
// Trail: what the audit log is told of one call: its intent before it runs, its outcome after. The
// arguments are there as a hash only.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "core/base/result.hpp"
#include "core/wire/message.hpp"
#include "worker/db/batch.hpp"
#include "worker/gateway/services.hpp"
#include "worker/oauth/identity.hpp"
#include "worker/tools/invocation.hpp"

namespace lakehouse::worker::tools {

struct CallFacts {
  std::string code, sqlstate;  // of a failure; the guard's code if it refused
  std::int64_t rows = 0, bytes = 0;
};

// Of a call that ended. `sqlstate`: what the server said of it; empty if nothing.
CallFacts facts_of(const Result<Outcome>& outcome, const std::string& sqlstate);
std::string sqlstate_of(const db::Answer& answer);

class Trail {
 public:
  // `what`: "tool list_records"; names and ids only. `arguments`: or a statement.
  Trail(gateway::AuditStore& store, const oauth::Identity& caller, std::string_view what,
        std::string_view arguments);

  // Both return when the record is durable. Errors: those of AuditStore; nothing may run, or be
  // answered, then.
  Status begin();
  Status end(const CallFacts& facts);

 private:
  gateway::AuditStore& store_;
  wire::RecordAudit record_;
  std::chrono::steady_clock::time_point began_ = std::chrono::steady_clock::now();
};

}  // namespace lakehouse::worker::tools
