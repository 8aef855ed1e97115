// SPDX-License-Identifier: PostgreSQL
// What the guard knows of one relation, cached per backend. A change of the policy invalidates the
// relation's cache entry the way ALTER TABLE would, so it also throws away every plan on it. Plain
// regime.
#pragma once

#include <cstdint>

#include "extension/postgres/prelude.hpp"

namespace lakehouse::guard {

enum class RelationKind : std::uint8_t {
  kOther,     // neither of the two: agents don't see it
  kCrm,       // a table of a tenant's CRM
  kGoverned,  // a foreign table of this extension
};

struct Policy {
  Oid relation;  // the cache's key
  bool is_loaded;
  RelationKind kind;
  bool is_unfit;       // its row filter no longer fits the table
  bool is_exposed;     // has a data source; the fields below mean nothing without
  std::int64_t epoch;  // grows with each change; 0: not exposed
  bool has_tenant;
  pg_uuid_t tenant;
  Oid admin_role;         // of the tenant whose server the table hangs on
  Bitmapset* columns;     // exposed ones, offset by FirstLowInvalidHeapAttributeNumber
  List* filter;           // expressions over varno 1, all must hold
  std::int64_t max_rows;  // 0: no cap of its own
  std::int64_t max_bytes;
  MemoryContext memory;
};

// Never nullptr. Stays valid until the next call for the same relation. Raises if the row filter no
// longer fits the table.
const Policy* find_policy(Oid relation);

// The tenant whose roles `role` is a member of; false if there is none.
bool find_tenant_of_role(Oid role, pg_uuid_t& tenant);

// A foreign table whose wrapper is this extension's.
bool is_our_foreign_table(Oid relation);

// The row filter as expressions over varno 1. Raises what the parser raises, and 42601 or 0A000 for
// what a filter can't be: it must be one condition that the warehouse can evaluate.
List* parse_row_filter(Relation relation, const char* text);

// The numbers of the filter's columns, as often and in the order in which it names them: a
// smallint[].
ArrayType* number_filter_columns(List* filter);

void install_policy_cache();

}  // namespace lakehouse::guard
