// SPDX-License-Identifier: PostgreSQL
// Errors are a way out for data and for the names of things. An agent gets the error's own words
// without the values in them, and the same answer for what is missing as for what it may not see.
// The log gets no more. Reports are rewritten on their way to the log; of one that does not go
// there an agent gets nothing but that.
#include "extension/guard/report.hpp"

#include <cstring>

#include "extension/guard/analyse.hpp"
#include "extension/guard/audit.hpp"
#include "extension/guard/counters.hpp"
#include "extension/guard/identity.hpp"
#include "extension/guard/limits.hpp"
#include "extension/guard/reading.hpp"
#include "extension/guard/refusal.hpp"

namespace lakehouse::guard {
namespace {

// Process-wide by nature, as hooks are.
emit_log_hook_type previous_report;
const PQcommMethods* previous_methods;
PQcommMethods methods;
bool is_rewritten;  // the error on its way to the client

// `permission denied for schema x`
char* last_word(const char* message) {
  const char* space = message != nullptr ? std::strrchr(message, ' ') : nullptr;
  return pstrdup(space != nullptr ? space + 1 : "?");
}

// What stands between the message's first and last quotation mark, its last part if it is
// qualified.
char* quoted_name(const char* message) {
  const char* begin = message != nullptr ? std::strchr(message, '"') : nullptr;
  const char* end = begin != nullptr ? std::strrchr(message, '"') : nullptr;
  if (begin == nullptr || end <= begin) return last_word(message);
  char* name = pnstrdup(begin + 1, static_cast<Size>(end - begin - 1));
  const char* dot = std::strrchr(name, '.');
  return dot != nullptr ? pstrdup(dot + 1) : name;
}

// The message as the source has it, each value left out: `invalid input syntax for type …: "…"`.
char* without_values(const char* format) {
  StringInfoData text;
  initStringInfo(&text);
  for (const char* at = format; *at != '\0'; ++at) {
    if (*at != '%') {
      appendStringInfoChar(&text, *at);
      continue;
    }
    ++at;
    if (*at == '%') {
      appendStringInfoChar(&text, '%');
      continue;
    }
    at += std::strspn(at, "0123456789$-+ #.*'lhzjtq");
    if (*at == '\0') break;
    appendStringInfoString(&text, "…");
  }
  return text.data;
}

// Raised while rows are computed. What the warehouse says is dealt with where it is run.
bool may_carry_values(int sqlstate) {
  const int category = ERRCODE_TO_CATEGORY(sqlstate);
  return category == ERRCODE_DATA_EXCEPTION || category == ERRCODE_INTEGRITY_CONSTRAINT_VIOLATION ||
         category == ERRCODE_PLPGSQL_ERROR || category == ERRCODE_INTERNAL_ERROR;
}

bool is_missing_table(int sqlstate) {
  return sqlstate == ERRCODE_UNDEFINED_TABLE || sqlstate == ERRCODE_UNDEFINED_SCHEMA ||
         sqlstate == ERRCODE_INVALID_SCHEMA_NAME;
}

// What the error says of where it comes from tells which check it was.
void forget_origin(ErrorData* error) {
  error->context = nullptr;
  error->internalquery = nullptr;
  error->filename = nullptr;
  error->funcname = nullptr;
  error->lineno = 0;
}

void withhold_values(ErrorData* error) {
  const bool has_words = error->message_id != nullptr && std::strcmp(error->message_id, "%s") != 0;
  error->message = without_values(has_words ? error->message_id : "query failed");
  error->detail = nullptr;
  error->detail_log = nullptr;
  error->hint = nullptr;
}

bool is_denied(const ErrorData* error) {
  return error->sqlerrcode == ERRCODE_INSUFFICIENT_PRIVILEGE && error->message_id != nullptr &&
         std::strstr(error->message_id, "permission denied") != nullptr;
}

// Of an error that a second reading does not explain.
void present(ErrorData* error) {
  if (is_missing_table(error->sqlerrcode) || is_denied(error)) {
    replace(error, table_refusal(quoted_name(error->message)));
  } else if (may_carry_values(error->sqlerrcode)) {
    withhold_values(error);
  }
  forget_origin(error);
}

// What the analysis of a statement can meet, apart from its end for want of time or memory.
bool is_of_analysis(int sqlstate) {
  const int category = ERRCODE_TO_CATEGORY(sqlstate);
  return category == ERRCODE_SYNTAX_ERROR_OR_ACCESS_RULE_VIOLATION ||
         category == ERRCODE_DATA_EXCEPTION || category == ERRCODE_FEATURE_NOT_SUPPORTED ||
         sqlstate == ERRCODE_INVALID_SCHEMA_NAME;
}

// About the protocol's statements and parameters, not about names.
bool is_of_protocol(int sqlstate) {
  return sqlstate == ERRCODE_UNDEFINED_PARAMETER || sqlstate == ERRCODE_INDETERMINATE_DATATYPE ||
         sqlstate == ERRCODE_DUPLICATE_PSTATEMENT;
}

// Nothing is wrong with the statement but what it may not see.
bool is_of_hidden(const ErrorData* error) {
  return ERRCODE_TO_CATEGORY(error->sqlerrcode) == ERRCODE_SYNTAX_ERROR_OR_ACCESS_RULE_VIOLATION &&
         !is_of_protocol(error->sqlerrcode) && !is_missing_table(error->sqlerrcode) &&
         !is_denied(error);
}

// An error inside flushes the one that is being reported, so its place is taken anew: nobody but
// this report's sender is left to look at it. Such an error also lets go of all interrupts, and the
// sender, who holds them, would let go of his once more: then none was ever served again.
void answer_anew(ErrorData* report) {
  const ErrorData known = *report;
  const uint32 interrupts_held = InterruptHoldoffCount;
  const uint32 cancels_held = QueryCancelHoldoffCount;
  MemoryContext caller = MemoryContextSwitchTo(MessageContext);
  ErrorData* answer = answer_to(CopyErrorData(), debug_query_string);
  Code code{};
  if (find_code(answer, code)) {
    count_refusal(code);
    try_audit_refusal(code);
  }
  MemoryContextSwitchTo(caller);
  FlushErrorState();
  InterruptHoldoffCount = interrupts_held;
  QueryCancelHoldoffCount = cancels_held;
  (void)errstart(ERROR, nullptr);
  *report = *answer;
  report->elevel = known.elevel;
  report->output_to_server = known.output_to_server;
  report->output_to_client = known.output_to_client;
  report->hide_stmt = known.hide_stmt;
  report->hide_ctx = known.hide_ctx;
  report->domain = known.domain;
  report->context_domain = known.context_domain;
  report->assoc_context = known.assoc_context;
}

void watch(ErrorData* report) {
  // Roles are looked up in catalogs: only possible while a transaction is whole.
  if (report->elevel >= ERROR && MyBackendType == B_BACKEND && is_agent_session()) {
    const bool is_new = report->elevel == ERROR && is_of_analysis(report->sqlerrcode) &&
                        !is_analysed() && IsTransactionState() && debug_query_string != nullptr;
    if (is_new) {
      answer_anew(report);
    } else {
      present(report);
    }
    is_rewritten = true;
  }
  if (previous_report != nullptr) previous_report(report);
}

// An ErrorResponse: fields of one letter and a string, the severity twice.
const char kUnlogged[] =
    "SERROR\0VERROR\0C55000\0Mthe guard can't work with log_min_messages above error\0"
    "HSet log_min_messages to error or lower.\0";

// What a backend says when it has done with a message of its client, or is ready for the first one.
void note_end_of_work(char type) {
  constexpr char kReady = 'Z', kParsed = '1', kBound = '2', kSuspended = 's', kComplete = 'C';
  if (type == kReady) begin_session();
  if (type == kReady || type == kParsed || type == kBound || type == kSuspended ||
      type == kComplete)
    expect_analysis();
}

int put(char type, const char* bytes, std::size_t length) {
  constexpr char kError = 'E';
  note_end_of_work(type);
  const bool is_error = type == kError && MyBackendType == B_BACKEND;
  const bool is_raw = is_error && !is_rewritten && is_agent_session();
  if (is_error) is_rewritten = false;
  if (is_raw) return previous_methods->putmessage(type, kUnlogged, sizeof(kUnlogged));
  return previous_methods->putmessage(type, bytes, length);
}

void watch_messages() {
  previous_methods = PqCommMethods;
  methods = *PqCommMethods;
  methods.putmessage = put;
  PqCommMethods = &methods;
}

}  // namespace

ErrorData* answer_to(ErrorData* error, const char* text) {
  Code code{};
  if (find_code(error, code)) return error;
  ErrorData* told = is_of_analysis(error->sqlerrcode) ? read_again(text) : nullptr;
  if (told == nullptr && is_of_hidden(error)) {
    replace(error, {Code::kColumnNotAllowListed, "column", nullptr,
                    "A name also means a column that is not exposed.",
                    "Name each column with its table, and give results other names."});
  }
  if (told == nullptr) {
    present(error);
    return error;
  }
  if (may_carry_values(told->sqlerrcode)) withhold_values(told);
  forget_origin(told);
  return told;
}

const char* code_in(const ErrorData* report) {
  Code code{};
  return find_code(report, code) ? facts_of(code).name : nullptr;
}

void install_report_hook() {
  previous_report = emit_log_hook;
  emit_log_hook = watch;
  watch_messages();
}

}  // namespace lakehouse::guard
