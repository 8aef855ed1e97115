// SPDX-License-Identifier: PostgreSQL
// The table of codes and the one place that raises them.
#include "extension/guard/refusal.hpp"

#include <array>
#include <string_view>

#include "extension/guard/allow_list.hpp"
#include "extension/guard/audit.hpp"
#include "extension/guard/counters.hpp"

namespace lakehouse::guard {
namespace {

const char kNotListed[] =
    "It does not exist for what it is given, or it is not on the allow-list of agents.";
constexpr int kMaxListed = 8;
constexpr int kMaxTokenBytes = NAMEDATALEN - 1;

const std::array<CodeFacts, kCodeCount> kCodes = {{
    {"MULTI_STATEMENT", ERRCODE_READ_ONLY_SQL_TRANSACTION},
    {"DDL_FORBIDDEN", ERRCODE_READ_ONLY_SQL_TRANSACTION},
    {"DML_FORBIDDEN", ERRCODE_READ_ONLY_SQL_TRANSACTION},
    {"STATEMENT_NOT_ALLOWED", ERRCODE_READ_ONLY_SQL_TRANSACTION},
    {"TABLE_NOT_ALLOW_LISTED", ERRCODE_INSUFFICIENT_PRIVILEGE},
    {"COLUMN_NOT_ALLOW_LISTED", ERRCODE_INSUFFICIENT_PRIVILEGE},
    {"FUNCTION_NOT_ALLOW_LISTED", ERRCODE_INSUFFICIENT_PRIVILEGE},
    {"TYPE_NOT_ALLOW_LISTED", ERRCODE_INSUFFICIENT_PRIVILEGE},
    {"QUERY_TOO_COMPLEX", ERRCODE_STATEMENT_TOO_COMPLEX},
    {"PAYLOAD_CAP_EXCEEDED", ERRCODE_CONFIGURATION_LIMIT_EXCEEDED},
    {"ROW_CAP_EXCEEDED", ERRCODE_CONFIGURATION_LIMIT_EXCEEDED},
}};

// Characters that would let a token break out of its line or change how the rest of it reads.
bool is_unfit(pg_wchar character) {
  return character < 0x20 || (character >= 0x7F && character < 0xA0) || character == 0x061C ||
         (character >= 0x200B && character <= 0x200F) ||
         (character >= 0x2028 && character <= 0x202E) ||
         (character >= 0x2060 && character <= 0x206F) || character == 0xFEFF;
}

// The ways in which a function of that name may be called. By the name alone, so that it says
// nothing of what was refused.
const char* function_hint(const char* name) {
  StringInfoData listed;
  initStringInfo(&listed);
  int count = 0;
  List* names = list_make2(makeString(pstrdup("pg_catalog")), makeString(pstrdup(name)));
  for (FuncCandidateList found = FuncnameGetCandidates(names, -1, NIL, false, false, false, true);
       found != nullptr; found = found->next) {
    if (!is_function_allowed(found->oid) || ++count > kMaxListed) continue;
    appendStringInfo(&listed, "%s%s", count == 1 ? "" : ", ", format_procedure(found->oid));
  }
  if (count == 0)
    return "Use built-in aggregates, windows and functions of numbers, text, dates, JSON and "
           "arrays.";
  return psprintf("Call %s%s; cast its arguments.", listed.data,
                  count > kMaxListed ? " or another of that name" : "");
}

}  // namespace

const CodeFacts& facts_of(Code code) { return kCodes[static_cast<std::size_t>(code)]; }

char* presentable(const char* token) {
  StringInfoData shown;
  initStringInfo(&shown);
  const bool is_utf8 = GetDatabaseEncoding() == PG_UTF8;
  while (*token != '\0') {
    const int length = pg_mblen(token);
    if (shown.len + length > kMaxTokenBytes) break;
    const pg_wchar character = is_utf8
                                   ? utf8_to_unicode(reinterpret_cast<const unsigned char*>(token))
                                   : static_cast<unsigned char>(*token);
    if (!is_unfit(character)) appendBinaryStringInfo(&shown, token, length);
    token += length;
  }
  return shown.data;
}

char* message_of(const Refusal& refusal) {
  const char* code = facts_of(refusal.code).name;
  if (refusal.token == nullptr) return psprintf("%s is refused (%s)", refusal.noun, code);
  return psprintf("%s \"%s\" is refused (%s)", refusal.noun, presentable(refusal.token), code);
}

// Process-wide by nature, as the hooks are.
int trial_depth;

void refuse(const Refusal& refusal) {
  if (trial_depth == 0) record_refusal(refusal.code);
  ereport(ERROR,
          (errcode(facts_of(refusal.code).sqlstate), errmsg_internal("%s", message_of(refusal)),
           errdetail_internal("%s", refusal.rule), errhint("%s", refusal.hint)));
}

void record_refusal(Code code) {
  count_refusal(code);
  audit_refusal(code);
}

bool find_code(const ErrorData* error, Code& code) {
  const std::string_view message = error->message != nullptr ? error->message : "";
  for (std::size_t i = 0; i < kCodeCount; ++i) {
    if (!message.ends_with(psprintf("(%s)", kCodes[i].name))) continue;
    code = static_cast<Code>(i);
    return true;
  }
  return false;
}

Refusal column_refusal(const char* name, const char* hint) {
  return {Code::kColumnNotAllowListed, "column", name,
          "It does not exist, or it is not exposed to this role.", hint};
}

Refusal function_refusal(const char* name) {
  return {Code::kFunctionNotAllowListed, "function", name, kNotListed, function_hint(name)};
}

Refusal operator_refusal(const char* name) {
  return {Code::kFunctionNotAllowListed, "operator", name, kNotListed,
          "Use another operator, or cast its operands."};
}

Refusal type_refusal(const char* name) {
  return {Code::kTypeNotAllowListed, "type", name, kNotListed,
          "Use text, numeric, integer, date, timestamp, interval, jsonb or arrays of them."};
}

Refusal collation_refusal(const char* name) {
  return {Code::kTypeNotAllowListed, "collation", name,
          "It does not exist, or agents may not use it.", "Write the query without it."};
}

void refuse_statement(Code code, const char* rule) {
  refuse({code, "statement", nullptr, rule, "Send one SELECT."});
}

void refuse_change() { refuse_statement(Code::kDmlForbidden, "It changes rows."); }

void refuse_lock() { refuse_statement(Code::kDmlForbidden, "FOR UPDATE and FOR SHARE lock rows."); }

void refuse_recursion() { refuse_size("WITH RECURSIVE has no bound."); }

void refuse_construct(const char* name) {
  refuse({Code::kStatementNotAllowed, "construct", name, "Agents may not use it.",
          "Write the query without it."});
}

void refuse_size(const char* rule) {
  refuse({Code::kQueryTooComplex, "query", nullptr, rule, "Ask a smaller question."});
}

Refusal table_refusal(const char* name) {
  return {Code::kTableNotAllowListed, "table", name,
          "It does not exist, or it is not exposed to this role.",
          "Use a table that lakehouse.expose() opened, or a CRM table of the tenant."};
}

void refuse_table(const char* name) { refuse(table_refusal(name)); }

}  // namespace lakehouse::guard
