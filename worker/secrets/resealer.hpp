// SPDX-License-Identifier: PostgreSQL
// Resealer: encrypts stored secrets again with the newest master key, a few rows a transaction.
// Any number of workers may do so at a time: a row is locked or skipped, and written only if its
// envelope is still the one that was opened. What a row's secret is, and its version, never change.
#pragma once

#include <cstdint>
#include <string>

#include "core/vault/vault.hpp"
#include "worker/db/pool.hpp"
#include "worker/metrics/counters.hpp"

namespace lakehouse::worker::secrets {

class Resealer {
 public:
  struct Outcome {
    std::uint64_t resealed = 0;
    std::uint64_t unreadable = 0;  // no key here opens them
    std::uint64_t left = 0;        // with an older key now: unreadable, or locked by someone
  };

  Resealer(db::Pool& pool, const vault::Vault& vault, metrics::Counters& counters)
      : pool_(pool), vault_(vault), counters_(counters) {}

  // Once through the tables. Errors: the database's; what was committed before stays.
  Result<Outcome> run(const Context& context);

 private:
  struct Position {
    std::string table;
    std::string tenant_id, id;  // of the row seen last
    bool is_end = false;
  };
  Status run_batch(Position& position, Outcome& outcome, const Context& context);
  Status reseal(db::Connection& connection, const vault::Place& place, const std::string& sealed,
                Outcome& outcome, const Context& context);
  Result<std::uint64_t> count_left(const Context& context);

  db::Pool& pool_;
  const vault::Vault& vault_;
  metrics::Counters& counters_;
};

}  // namespace lakehouse::worker::secrets
