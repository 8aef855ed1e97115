// SPDX-License-Identifier: PostgreSQL
// The guard's own queries: read-only, as a superuser, out of every hook's sight, with the newest
// snapshot and a pinned search_path. Plain regime.
#pragma once

#include "extension/postgres/prelude.hpp"

namespace lakehouse::guard {

// A query and its plan, which is made once a session.
struct LookupQuery {
  const char* text;  // with one parameter of type oid
  SPIPlanPtr plan;
};

struct Lookup {
  LookupQuery* query;
  Oid argument;
  void (*read)(void* target);  // takes the first row from SPI; not called if there is none
  void* target;
};

// nullptr, or the error that the query or `read` raised.
ErrorData* look_up(const Lookup& lookup);

}  // namespace lakehouse::guard
