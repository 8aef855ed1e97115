// SPDX-License-Identifier: PostgreSQL
// The guard's own queries: read-only, as a superuser, out of every hook's sight, with the newest
// snapshot and a pinned search_path. Plain regime.
#pragma once

#include "extension/postgres/prelude.hpp"

namespace lakehouse::guard {

struct Lookup {
  const char* query;  // with one parameter of type oid
  Oid argument;
  void (*read)(void* target);  // takes the first row from SPI; not called if there is none
  void* target;
};

// nullptr, or the error that the query or `read` raised.
ErrorData* look_up(const Lookup& lookup);

}  // namespace lakehouse::guard
