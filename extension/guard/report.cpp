// SPDX-License-Identifier: PostgreSQL
// Errors are a way out for data and for the names of things. An agent gets the error's own words
// without the values in them, and the same answer for a table that is missing as for one it may not
// see. The log gets no more. This runs for reports that go to the log, so the guard refuses to work
// where errors do not.
#include "extension/guard/report.hpp"

#include <cstring>

#include "extension/guard/identity.hpp"
#include "extension/guard/refusal.hpp"

namespace lakehouse::guard {
namespace {

// Process-wide by nature, as hooks are.
emit_log_hook_type previous_report;

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

void replace(ErrorData* report, const Refusal& refusal) {
  report->sqlerrcode = facts_of(refusal.code).sqlstate;
  report->message = message_of(refusal);
  report->detail = pstrdup(refusal.rule);
  report->hint = pstrdup(refusal.hint);
  report->cursorpos = 0;
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

void watch(ErrorData* report) {
  // Roles are looked up in catalogs: only possible while a transaction is whole.
  if (report->elevel >= ERROR && MyBackendType == B_BACKEND && is_agent_session()) present(report);
  if (previous_report != nullptr) previous_report(report);
}

}  // namespace

void present(ErrorData* report) {
  if (is_missing_table(report->sqlerrcode) ||
      (report->sqlerrcode == ERRCODE_INSUFFICIENT_PRIVILEGE && report->message_id != nullptr &&
       std::strstr(report->message_id, "permission denied") != nullptr)) {
    replace(report, table_refusal(quoted_name(report->message)));
  } else if (may_carry_values(report->sqlerrcode)) {
    const bool has_words =
        report->message_id != nullptr && std::strcmp(report->message_id, "%s") != 0;
    report->message = without_values(has_words ? report->message_id : "query failed");
    report->detail = nullptr;
    report->detail_log = nullptr;
    report->hint = nullptr;
  } else if (report->sqlerrcode == ERRCODE_UNDEFINED_COLUMN ||
             report->sqlerrcode == ERRCODE_UNDEFINED_FUNCTION ||
             report->sqlerrcode == ERRCODE_UNDEFINED_OBJECT) {
    report->detail = nullptr;
    report->hint = nullptr;
  }
  report->context = nullptr;
  report->internalquery = nullptr;
  // Where the error was raised tells which check it was.
  report->filename = nullptr;
  report->funcname = nullptr;
  report->lineno = 0;
}

const char* code_in(const ErrorData* report) {
  for (std::size_t i = 0; i < kCodeCount; ++i) {
    const char* name = facts_of(static_cast<Code>(i)).name;
    if (report->message != nullptr &&
        std::strstr(report->message, psprintf("(%s)", name)) != nullptr)
      return name;
  }
  return nullptr;
}

void install_report_hook() {
  previous_report = emit_log_hook;
  emit_log_hook = watch;
}

}  // namespace lakehouse::guard
