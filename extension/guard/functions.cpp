// SPDX-License-Identifier: PostgreSQL
// The guard's SQL functions. C++ regime.
#include "extension/border/border.hpp"
#include "extension/guard/allow_list.hpp"
#include "extension/postgres/prelude.hpp"

// list_guarded_functions() → setof (oid oid, signature text): what an agent's query may call.
LAKEHOUSE_SQL_FUNCTION(lakehouse_list_guarded_functions) {
  lakehouse::border::call([&] {
    InitMaterializedSRF(fcinfo, 0);
    auto* result = reinterpret_cast<ReturnSetInfo*>(fcinfo->resultinfo);
    for (const Oid function : lakehouse::guard::allowed_functions()) {
      Datum values[] = {ObjectIdGetDatum(function),
                        CStringGetTextDatum(format_procedure(function))};
      bool nulls[] = {false, false};
      tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
    }
  });
  return Datum{0};
}
