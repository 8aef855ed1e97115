// SPDX-License-Identifier: PostgreSQL
// RowSource: reads a table's rows as the tenant may, at the snapshot of a publish, in batches. Of
// one table; its transaction ends with it.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/base/context.hpp"
#include "core/base/result.hpp"
#include "core/delta/batch.hpp"
#include "worker/db/connection.hpp"
#include "worker/publish/cells.hpp"
#include "worker/publish/columns.hpp"
#include "worker/publish/table.hpp"

namespace lakehouse::worker::publish {

// What all tables of a publish are read at, and as whom.
struct Viewpoint {
  std::string snapshot;  // as pg_export_snapshot() names it
  std::string tenant_id;
};

class RowSource {
 public:
  using Take = std::function<Status(const delta::Batch&)>;

  // References outlive it. What it does `until` then and not longer fails with kTimeout. Errors:
  // those of the database, of Cells::open().
  static Result<RowSource> open(db::Connection& connection, const Viewpoint& viewpoint,
                                const Table& table, const Columns& columns, Deadline until,
                                const Context& context);

  // About how many rows there are, as the planner sees it. Errors: those of the database.
  Result<std::int64_t> estimate(const Context& context);

  // All rows, in the order in which they are stored. An error of `take` ends it.
  Status read_all(const Take& take, const Context& context);

  // Those whose key is one of `keys`, a list of texts for each column of the key.
  Status read_keys(const std::vector<std::vector<std::string>>& keys, const Take& take,
                   const Context& context);

  // Gives the connection back as it was. Without it, it is abandoned.
  Status end(const Context& context) { return transaction_.roll_back(context); }

 private:
  RowSource(db::Connection& connection, db::Transaction transaction, const Table& table,
            const Columns& columns, Deadline until)
      : connection_(&connection),
        transaction_(std::move(transaction)),
        table_(&table),
        columns_(&columns),
        until_(until) {}
  Status learn_types(const Context& context);
  Context bounded(const Context& context) const;
  std::string selection() const;
  std::string key_condition() const;

  db::Connection* connection_;
  db::Transaction transaction_;
  const Table* table_;
  const Columns* columns_;
  Deadline until_;
  Cells cells_;
};

}  // namespace lakehouse::worker::publish
