// SPDX-License-Identifier: PostgreSQL
// The table of codes and the one place that raises them.
#include "extension/guard/refusal.hpp"

#include <array>

#include "extension/guard/audit.hpp"
#include "extension/guard/counters.hpp"

namespace lakehouse::guard {
namespace {

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

void refuse(const Refusal& refusal) {
  count_refusal(refusal.code);
  audit_refusal(refusal.code);
  ereport(ERROR,
          (errcode(facts_of(refusal.code).sqlstate), errmsg_internal("%s", message_of(refusal)),
           errdetail_internal("%s", refusal.rule), errhint("%s", refusal.hint)));
}

Refusal table_refusal(const char* name) {
  return {Code::kTableNotAllowListed, "table", name,
          "It does not exist, or it is not exposed to this role.",
          "Use a table that lakehouse.expose() opened, or a CRM table of the tenant."};
}

void refuse_table(const char* name) { refuse(table_refusal(name)); }

}  // namespace lakehouse::guard
