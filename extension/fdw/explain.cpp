// SPDX-License-Identifier: PostgreSQL
// Values never show: parameters print as markers.
#include "extension/fdw/explain.hpp"

#include "extension/fdw/plan.hpp"
#include "extension/fdw/scan.hpp"

namespace lakehouse::fdw {
namespace {

char* join_names(List* names) {
  if (names == NIL) return pstrdup("nothing");
  StringInfoData joined;
  initStringInfo(&joined);
  ListCell* cell;
  foreach (cell, names) {
    appendStringInfo(&joined, "%s%s", joined.len > 0 ? ", " : "", strVal(lfirst(cell)));
  }
  return joined.data;
}

// A line each in text; one list elsewhere, since a key may not come twice.
void explain_not_pushed(List* reasons, ExplainState* explain) {
  List* texts = NIL;
  ListCell* cell;
  foreach (cell, reasons) {
    texts = lappend(texts, strVal(lfirst(cell)));
    if (explain->format == EXPLAIN_FORMAT_TEXT)
      ExplainPropertyText("Not Pushed", strVal(lfirst(cell)), explain);
  }
  if (texts != NIL && explain->format != EXPLAIN_FORMAT_TEXT)
    ExplainPropertyList("Not Pushed", texts, explain);
}

void explain_plan(const ForeignScan* plan, ExplainState* explain) {
  char* statement = describe_statement(plan_item(plan, PlanItem::kSegments), plan->fdw_exprs,
                                       plan_item(plan, PlanItem::kKinds));
  ExplainPropertyText("Remote SQL", statement, explain);
  ExplainPropertyText("Pushed Down", join_names(plan_item(plan, PlanItem::kPushedDown)), explain);
  explain_not_pushed(plan_item(plan, PlanItem::kNotPushed), explain);
}

void explain_run(const ScanReport& report, ExplainState* explain) {
  if (report.query_id == nullptr) return;
  ExplainPropertyText("Remote Query ID", report.query_id, explain);
  if (explain->timing) ExplainPropertyFloat("Remote Time", "ms", report.remote_ms, 3, explain);
  ExplainPropertyUInteger("Bytes Received", nullptr, report.bytes_received, explain);
  ExplainPropertyUInteger("Chunks", nullptr, report.chunks, explain);
}

}  // namespace

void explain_scan(ForeignScanState* state, ExplainState* explain) {
  if (explain->verbose) explain_plan(reinterpret_cast<ForeignScan*>(state->ss.ps.plan), explain);
  if (explain->analyze) explain_run(report_of(state), explain);
}

}  // namespace lakehouse::fdw
