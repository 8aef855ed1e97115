// SPDX-License-Identifier: PostgreSQL
// Actor: runs one statement as a caller's own role, in a transaction of its own and one round trip.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>

#include "core/base/context.hpp"
#include "core/base/result.hpp"
#include "worker/db/pool.hpp"
#include "worker/oauth/identity.hpp"
#include "worker/tools/failure.hpp"

namespace lakehouse::worker::tools {

struct Act {
  Author author = Author::kCatalog;
  db::Statement statement;
  std::chrono::milliseconds timeout{30'000};
  // Of a model's statement: bytes of its result, where lakehouse.max_bytes isn't less; and whether
  // the timeout goes beyond lakehouse.agent_statement_timeout.
  std::int64_t most_bytes = 64LL << 20U;
  bool is_slow = false;
  std::function<void(const db::Report&)> on_notice;
};

class Actor {
 public:
  explicit Actor(db::Pool& pool) : pool_(pool) {}

  // Errors: those of db::Connection::run; what the server says of the statement is an answer.
  Result<db::Answer> run(const oauth::Identity& caller, const Act& act, const Context& context);
  // The same on a connection of the caller's choice.
  static Result<db::Answer> run(db::Connection& connection, const oauth::Identity& caller,
                                const Act& act, const Context& context);

 private:
  db::Pool& pool_;
};

}  // namespace lakehouse::worker::tools
