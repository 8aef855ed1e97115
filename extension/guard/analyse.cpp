// SPDX-License-Identifier: PostgreSQL
// Runs when a statement has been analysed and before its views are expanded: here a query still
// says what its author wrote.
#include "extension/guard/analyse.hpp"

#include "extension/border/border.hpp"
#include "extension/guard/check.hpp"
#include "extension/guard/identity.hpp"
#include "extension/guard/limits.hpp"
#include "extension/guard/reading.hpp"
#include "extension/guard/refusal.hpp"
#include "extension/guard/tool.hpp"

namespace lakehouse::guard {
namespace {

// Process-wide by nature, as hooks are.
post_parse_analyze_hook_type previous_analyse;

// The start of the statement that was analysed last. Process-wide by nature, as that is.
TimestampTz analysed_statement;

// What is refused may depend on what is hidden; what the agent is told does not.
void judge(Query* query, const char* text) {
  ++trial_depth;
  ErrorData* refusal = border::run_guarded(
      [](void* argument) { check_agent_query(static_cast<Query*>(argument)); }, query);
  --trial_depth;
  if (refusal == nullptr) return;
  if (ErrorData* told = read_again(text)) refusal = told;
  Code code{};
  if (trial_depth == 0 && find_code(refusal, code)) record_refusal(code);
  ReThrowError(refusal);
}

void analyse(ParseState* state, Query* query, JumbleState* jumble) {
  if (previous_analyse != nullptr) previous_analyse(state, query, jumble);
  if (current_strength() != Strength::kAgent || OidIsValid(tool_call_in(query))) return;
  if (log_min_messages > ERROR) {
    ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                    errmsg("the guard can't work with log_min_messages above error"),
                    errhint("Set log_min_messages to error or lower.")));
  }
  if (rehearsal_depth == 0) apply_agent_limits();
  analysed_statement = GetCurrentStatementStartTimestamp();
  (void)check_single_statement(state->p_sourcetext);
  // Utility statements have a hook of their own.
  if (query->commandType != CMD_UTILITY) judge(query, state->p_sourcetext);
}

}  // namespace

bool is_analysed() { return analysed_statement == GetCurrentStatementStartTimestamp(); }

void install_analyse_hook() {
  previous_analyse = post_parse_analyze_hook;
  post_parse_analyze_hook = analyse;
}

}  // namespace lakehouse::guard
