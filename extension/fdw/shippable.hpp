// SPDX-License-Identifier: PostgreSQL
// May an expression be computed remotely with the same result? Deny by default: nodes, functions
// and types not known to agree stay local, with a reason a user can act on. The table of functions
// is data: core/dialect. Plain regime.
#pragma once

#include "extension/fdw/relation.hpp"
#include "extension/postgres/prelude.hpp"

namespace lakehouse::fdw {

struct Shipper {
  PlannerInfo* root;
  RelOptInfo* relation;
  const RelationPlan* plan;
  Relids outer;  // relations whose columns may come in as parameters; nullptr: none
};

// nullptr if `expression` is shippable, else why not (palloc'd or static).
const char* reason_to_keep_local(const Shipper& shipper, Node* expression);

// Computed here and sent as a parameter: no column of the relation, nothing volatile, a type that
// can be sent.
bool is_parameter(const Shipper& shipper, Node* expression);

// The relation's own expression by which a path key can be sorted remotely; nullptr if there is
// none.
Expr* find_remote_sort_expression(const Shipper& shipper, const PathKey* key);

}  // namespace lakehouse::fdw
