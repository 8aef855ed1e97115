// SPDX-License-Identifier: PostgreSQL
// The table of callbacks behind the foreign data wrapper `databricks`.
#include "core/dialect/shippable.hpp"
#include "extension/border/border.hpp"
#include "extension/fdw/analyze.hpp"
#include "extension/fdw/explain.hpp"
#include "extension/fdw/import.hpp"
#include "extension/fdw/plan.hpp"
#include "extension/fdw/scan.hpp"
#include "extension/postgres/text.hpp"

namespace fdw = lakehouse::fdw;
using lakehouse::border::Callback;

// handle_databricks() → fdw_handler. Planner and row callbacks are plain and go in as they are;
// what holds C++ objects goes in behind the border.
LAKEHOUSE_SQL_FUNCTION(lakehouse_handle_databricks) {
  FdwRoutine* routine = lakehouse::border::call([] { return makeNode(FdwRoutine); });
  routine->GetForeignRelSize = fdw::estimate_size;
  routine->GetForeignPaths = fdw::add_paths;
  routine->GetForeignPlan = fdw::make_plan;
  routine->GetForeignUpperPaths = fdw::add_limit_path;
  routine->BeginForeignScan = fdw::begin_scan;
  routine->IterateForeignScan = fdw::next_row;
  routine->ReScanForeignScan = fdw::rescan;
  routine->EndForeignScan = fdw::end_scan;
  routine->ExplainForeignScan = fdw::explain_scan;
  routine->AnalyzeForeignTable = fdw::prepare_analyze;
  routine->ImportForeignSchema = Callback<fdw::import_schema>::entry;
  PG_RETURN_POINTER(routine);
}

// list_shippable_functions() → setof (oid oid, signature text, databricks text): the table of
// core/dialect.
LAKEHOUSE_SQL_FUNCTION(lakehouse_list_shippable_functions) {
  lakehouse::border::call([&] {
    InitMaterializedSRF(fcinfo, 0);
    auto* result = reinterpret_cast<ReturnSetInfo*>(fcinfo->resultinfo);
    for (const lakehouse::dialect::ShippableFunction& row :
         lakehouse::dialect::shippable_functions()) {
      Datum values[] = {ObjectIdGetDatum(row.oid), lakehouse::postgres::text_datum(row.signature),
                        lakehouse::postgres::text_datum(row.databricks)};
      bool nulls[] = {false, false, false};
      tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
    }
  });
  return Datum{0};
}
