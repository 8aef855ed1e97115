// SPDX-License-Identifier: PostgreSQL
// Runs when a statement has been analysed and before its views are expanded: here a query still
// says what its author wrote.
#include "extension/guard/analyse.hpp"

#include "extension/guard/check.hpp"
#include "extension/guard/identity.hpp"
#include "extension/guard/limits.hpp"
#include "extension/guard/tool.hpp"

namespace lakehouse::guard {
namespace {

// Process-wide by nature, as hooks are.
post_parse_analyze_hook_type previous_analyse;

void analyse(ParseState* state, Query* query, JumbleState* jumble) {
  if (previous_analyse != nullptr) previous_analyse(state, query, jumble);
  if (current_strength() != Strength::kAgent || OidIsValid(tool_call_in(query))) return;
  if (log_min_messages > ERROR) {
    ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                    errmsg("the guard can't work with log_min_messages above error"),
                    errhint("Set log_min_messages to error or lower.")));
  }
  if (rehearsal_depth == 0) apply_agent_limits();
  check_single_statement(state->p_sourcetext);
  // Utility statements have a hook of their own.
  if (query->commandType != CMD_UTILITY) check_agent_query(query);
}

}  // namespace

void install_analyse_hook() {
  previous_analyse = post_parse_analyze_hook;
  post_parse_analyze_hook = analyse;
}

}  // namespace lakehouse::guard
