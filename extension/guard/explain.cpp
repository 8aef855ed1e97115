// SPDX-License-Identifier: PostgreSQL
// explain_guard(): a rehearsal. The text is parsed and analysed as an agent's would be, inside a
// subtransaction, and neither planned nor run.
#include "extension/border/border.hpp"
#include "extension/guard/check.hpp"
#include "extension/guard/identity.hpp"
#include "extension/guard/refusal.hpp"
#include "extension/guard/report.hpp"
#include "extension/guard/utility.hpp"

namespace lakehouse::guard {
namespace {

void rehearse(const char* text) {
  List* statements = check_single_statement(text);
  if (statements == NIL)
    refuse({Code::kStatementNotAllowed, "text", nullptr, "It is empty.", "Send one SELECT."});
  auto* statement = linitial_node(RawStmt, statements);
  const Query* query = parse_analyze_fixedparams(statement, text, nullptr, 0, nullptr);
  if (query->commandType == CMD_UTILITY) check_utility(query->utilityStmt);
}

// A subtransaction that leaves nothing behind; the error that `body` raised.
ErrorData* try_out(void (*body)(void*), void* argument) {
  MemoryContext caller = CurrentMemoryContext;
  ResourceOwner owner = CurrentResourceOwner;
  BeginInternalSubTransaction(nullptr);
  MemoryContextSwitchTo(caller);
  ++rehearsal_depth;
  ErrorData* error = border::run_guarded(body, argument);
  --rehearsal_depth;
  RollbackAndReleaseCurrentSubTransaction();
  MemoryContextSwitchTo(caller);
  CurrentResourceOwner = owner;
  return error;
}

struct Verdict {
  const char* text;
  ErrorData* error;
};

// The error is nullptr if the text passes.
ErrorData* verdict_on(const char* text) {
  Verdict verdict{text, nullptr};
  verdict.error =
      try_out([](void* given) { rehearse(static_cast<Verdict*>(given)->text); }, &verdict);
  if (verdict.error == nullptr) return nullptr;
  ErrorData* error = try_out(
      [](void* given) {
        auto* known = static_cast<Verdict*>(given);
        known->error = answer_to(known->error, known->text);
      },
      &verdict);
  return error != nullptr ? error : verdict.error;
}

Datum text_or_null(const char* value, bool& is_null) {
  is_null = value == nullptr;
  return is_null ? Datum{0} : CStringGetTextDatum(value);
}

Datum describe(ErrorData* error, FunctionCallInfo call) {
  TupleDesc description = nullptr;
  if (get_call_result_type(call, nullptr, &description) != TYPEFUNC_COMPOSITE)
    elog(ERROR, "explain_guard must return a row");
  const char* texts[6] = {error == nullptr ? "pass" : "refused"};
  if (error != nullptr) {
    texts[1] = code_in(error);
    texts[2] = unpack_sql_state(error->sqlerrcode);
    texts[3] = error->message;
    texts[4] = error->detail;
    texts[5] = error->hint;
  }
  Datum values[6];
  bool nulls[6];
  for (int i = 0; i < 6; ++i) values[i] = text_or_null(texts[i], nulls[i]);
  return HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(description), values, nulls));
}

}  // namespace
}  // namespace lakehouse::guard

LAKEHOUSE_SQL_FUNCTION(lakehouse_explain_guard) {
  using namespace lakehouse;
  return border::call([&] {
    return guard::describe(guard::verdict_on(TextDatumGetCString(PG_GETARG_DATUM(0))), fcinfo);
  });
}
