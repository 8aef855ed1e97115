// SPDX-License-Identifier: PostgreSQL
// Two ways to know such a statement: the function said so when it ran (told apart by the
// statement's start time, so the flag needs no clearing), or it is named in the text, for calls
// that fail before they run. Reading the text can only hide too much.
#include "extension/client/discretion.hpp"

#include <cstring>

#include "extension/postgres/prelude.hpp"

namespace lakehouse::client {
namespace {

// Functions that take a secret as an argument.
const char* const kSecretTakers[] = {"connect_databricks", "seal_secret", "create_user"};

const char kShownInstead[] = "statement not shown: it carries a secret";

// Process-wide by nature: hooks and the current statement are.
emit_log_hook_type previous_hook;
TimestampTz hidden_statement_at;

bool names_secret_taker(const char* text) {
  for (const char* name : kSecretTakers) {
    if (text != nullptr && std::strstr(text, name) != nullptr) return true;
  }
  return false;
}

bool carries_secret() {
  return names_secret_taker(debug_query_string) ||
         (hidden_statement_at != 0 && hidden_statement_at == GetCurrentStatementStartTimestamp());
}

// Whether the message itself may quote the statement: log_statement, log_min_duration_statement and
// auto_explain do, and a syntax error quotes the word it fell over.
bool may_quote(const ErrorData* report) {
  return report->elevel == LOG || report->sqlerrcode == ERRCODE_SYNTAX_ERROR ||
         names_secret_taker(report->message);
}

// Runs before the report is written to the log and sent to the client.
void withhold_statement(ErrorData* report) {
  if (MyBackendType == B_BACKEND && carries_secret()) {
    report->hide_stmt = true;
    report->context = nullptr;  // a DO block or function quotes its statement there
    report->internalquery = nullptr;
    if (may_quote(report)) report->message = pstrdup(kShownInstead);
    if (report->elevel >= ERROR) pgstat_report_activity(STATE_RUNNING, kShownInstead);
  }
  if (previous_hook != nullptr) previous_hook(report);
}

}  // namespace

void install_discretion() {
  previous_hook = emit_log_hook;
  emit_log_hook = withhold_statement;
}

void hide_current_statement(const char* shown_instead) {
  hidden_statement_at = GetCurrentStatementStartTimestamp();
  pgstat_report_activity(STATE_RUNNING, shown_instead);
}

}  // namespace lakehouse::client
