// SPDX-License-Identifier: PostgreSQL
// What is not named here is refused.
#include "extension/guard/utility.hpp"

#include "extension/guard/check.hpp"
#include "extension/guard/identity.hpp"
#include "extension/guard/limits.hpp"
#include "extension/guard/refusal.hpp"

namespace lakehouse::guard {
namespace {

// Process-wide by nature, as hooks are.
ProcessUtility_hook_type previous_utility;

bool is_allowed(const Node* statement) {
  switch (nodeTag(statement)) {
    case T_SelectStmt:
    case T_InsertStmt:
    case T_UpdateStmt:
    case T_DeleteStmt:
    case T_MergeStmt:
      return true;  // no utility statements: the analyse hook has them
    case T_TransactionStmt: {
      // With the transaction would end what the worker has set for this statement alone.
      if (is_model_session()) return false;
      const auto* transaction = reinterpret_cast<const TransactionStmt*>(statement);
      switch (transaction->kind) {
        case TRANS_STMT_PREPARE:
        case TRANS_STMT_COMMIT_PREPARED:
        case TRANS_STMT_ROLLBACK_PREPARED:
          return false;
        default:
          return true;  // READ WRITE too: what writes is refused by itself
      }
    }
    case T_DeallocateStmt:  // drivers send it for statements of their own, as does the worker
      return !is_model_session();
    default:
      return false;
  }
}

Code code_of(Node* statement) {
  switch (nodeTag(statement)) {
    case T_CopyStmt:
      return reinterpret_cast<CopyStmt*>(statement)->is_from ? Code::kDmlForbidden
                                                             : Code::kStatementNotAllowed;
    case T_TruncateStmt:
    case T_RefreshMatViewStmt:
      return Code::kDmlForbidden;
    default:
      return GetCommandLogLevel(statement) == LOGSTMT_DDL ? Code::kDdlForbidden
                                                          : Code::kStatementNotAllowed;
  }
}

void process(PlannedStmt* plan, const char* text, bool is_read_only_tree,
             ProcessUtilityContext context, ParamListInfo parameters, QueryEnvironment* environment,
             DestReceiver* receiver, QueryCompletion* completion) {
  allow_execution_memory();
  // A prepared statement's plan is looked up before any other hook runs.
  AcceptInvalidationMessages();
  // In a failed transaction nothing but its end comes this far, and roles can't be looked up.
  if (IsTransactionState() && current_strength() == Strength::kAgent)
    check_utility(plan->utilityStmt);
  if (previous_utility != nullptr) {
    previous_utility(plan, text, is_read_only_tree, context, parameters, environment, receiver,
                     completion);
  } else {
    standard_ProcessUtility(plan, text, is_read_only_tree, context, parameters, environment,
                            receiver, completion);
  }
}

}  // namespace

void check_utility(Node* statement) {
  if (is_allowed(statement)) return;
  refuse({code_of(statement), "statement", GetCommandTagName(CreateCommandTag(statement)),
          "Agents send nothing but one SELECT, inside a transaction or not.", "Send one SELECT."});
}

void install_utility_hook() {
  previous_utility = ProcessUtility_hook;
  ProcessUtility_hook = process;
}

}  // namespace lakehouse::guard
