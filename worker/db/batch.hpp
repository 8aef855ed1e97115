// SPDX-License-Identifier: PostgreSQL
// Batch: statements that one round trip carries and one transaction holds.
#pragma once

#include <functional>
#include <string>
#include <variant>
#include <vector>

#include "worker/db/rows.hpp"
#include "worker/db/value.hpp"

namespace lakehouse::worker::db {

struct Statement {
  std::string sql;
  std::vector<Value> values;
  std::string name;  // under which a connection keeps it prepared; empty: it is parsed each time
};

// What the server says of a statement, in its own words: for whoever may read what the statement
// may read.
struct Report {
  std::string sqlstate, message, detail, hint;
  std::size_t statement = 0;  // its place in the batch
};

struct Batch {
  std::vector<Statement> statements;
  std::function<void(const Report&)> on_notice;  // on the thread that runs the batch; may be empty
};

// Of the last statement, cells as text; or of the first that failed.
using Answer = std::variant<Rows, Report>;

}  // namespace lakehouse::worker::db
