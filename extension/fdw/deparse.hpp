// SPDX-License-Identifier: PostgreSQL
// Plan → remote statement. The text holds quoted identifiers, forms from core/dialect and nothing
// of the user's: every value is a parameter, expression and place kept apart until the scan binds
// them. Plain regime.
#pragma once

#include "extension/fdw/shippable.hpp"
#include "extension/postgres/prelude.hpp"

namespace lakehouse::fdw {

// How a parameter enters the text.
enum class ParameterKind : int {
  kScalar,  // :p1
  kList,  // :p1, :p2, … — the elements of an array that only the execution knows; NULL if it is
          // NULL or empty
  kListIsEmpty,  // TRUE or FALSE, by the same array
  kListIsNotEmpty,
  kLimit,  // " LIMIT 10", or nothing for NULL: a checked integer, since markers are not allowed
           // there everywhere
  kOffset,
};

// The text is segments[0] parameter[0] segments[1] … ; nodes only, so that a plan can carry it.
struct RemoteStatement {
  List* segments;    // of String
  List* parameters;  // of Expr
  List* kinds;       // of int
  List* retrieved;   // attribute numbers, in the order of the select list
};

struct StatementParts {
  Bitmapset* attributes;  // used ones, offset by FirstLowInvalidHeapAttributeNumber
  List* filter;           // row filter, shippable expressions: which rows the rest sees at all
  List* clauses;          // shippable expressions, all must hold
  List* pathkeys;         // shippable, or NIL
  bool has_limit;         // the query's own LIMIT and OFFSET
};

RemoteStatement deparse_select(const Shipper& shipper, const StatementParts& parts);

// SELECT count(*) of a table, and a sample of these attributes of it, for ANALYZE.
char* deparse_count(const TableOptions& options);
char* deparse_sample(const TableOptions& options, const Columns& columns,
                     const Bitmapset* attributes, double percent, List** retrieved);

// For EXPLAIN: parameters as :p1, limits that are constants as numbers.
char* describe_statement(List* segments, List* parameters, List* kinds);

}  // namespace lakehouse::fdw
