// SPDX-License-Identifier: PostgreSQL
// Options of servers, tables and columns: which exist, what they mean, what they are when absent.
// Plain regime.
#pragma once

#include <cstdint>

#include "extension/postgres/prelude.hpp"

namespace lakehouse::fdw {

// A foreign table's options together with its server's; strings are palloc'd, never nullptr unless
// said.
struct TableOptions {
  const char* connection;  // uuid of the connection's row
  const char* catalog;     // nullptr: the connection's default
  const char* schema;      // nullptr: the connection's default
  const char* table_name;
  std::uint64_t fetch_window_bytes;  // 0: the worker's default
  double startup_cost;
  double tuple_cost;
};

TableOptions read_table_options(Oid relation);

// The connection of a server. ERROR HV00N-class if the option is missing.
const char* connection_of(const ForeignServer* server);

}  // namespace lakehouse::fdw
