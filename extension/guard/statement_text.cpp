// SPDX-License-Identifier: PostgreSQL
// Reads with PostgreSQL's own scanner: it alone knows where a constant ends.
#include "extension/guard/statement_text.hpp"

#include <cstring>

#include "extension/border/border.hpp"
#include "extension/postgres/prelude.hpp"

namespace lakehouse::guard {
namespace {

const char kUnreadable[] = "<unreadable>";

// Constants and comments count as well: a text can be megabytes of them.
constexpr int kScannedBytes = 1 << 20;

struct Scan {
  const char* sql;
  StringInfoData text;
};

// Told by the text, since the codes of tokens are in no header of later versions. The scanner has
// cut it out: a quote after these letters can't be anything else, and N'…' comes as N and '…'.
bool is_value(const char* token) {
  if (token[0] == '.') return token[1] >= '0' && token[1] <= '9';
  if ((token[0] >= '0' && token[0] <= '9') || token[0] == '\'' || token[0] == '$') return true;
  if (std::strchr("eEbBxX", token[0]) != nullptr) return token[1] == '\'';
  return (token[0] == 'u' || token[0] == 'U') && token[1] == '&' && token[2] == '\'';
}

bool is_between(const unsigned char* at, unsigned low, unsigned high) {
  const unsigned code = (at[0] & 0x0FU) << 12U | (at[1] & 0x3FU) << 6U | (at[2] & 0x3FU);
  return code >= low && code <= high;
}

// Bytes of a character that no reader of the log should meet; 0: a harmless one. Zero-width,
// direction and line separator characters in UTF-8; control characters in any encoding.
int size_of_trap(const unsigned char* at) {
  if (at[0] < 0x20 || at[0] == 0x7F) return 1;
  if (GetDatabaseEncoding() != PG_UTF8) return 0;
  if (at[0] == 0xC2 && at[1] >= 0x80 && at[1] <= 0x9F) return 2;  // C1
  if (at[0] == 0xD8 && at[1] == 0x9C) return 2;                   // U+061C
  if (at[0] == 0xE2 && (is_between(at, 0x200B, 0x200F) || is_between(at, 0x2028, 0x202E) ||
                        is_between(at, 0x2060, 0x206F)))
    return 3;
  return at[0] == 0xEF && is_between(at, 0xFEFF, 0xFEFF) ? 3 : 0;
}

void append_without_traps(StringInfo target, const char* token) {
  for (const char* at = token; *at != '\0';) {
    const int trap = size_of_trap(reinterpret_cast<const unsigned char*>(at));
    if (trap > 0) {
      at += trap;
      continue;
    }
    const int size = pg_mblen(at);
    appendBinaryStringInfo(target, at, size);
    at += size;
  }
}

// May raise a syntax error; border::run_guarded takes it.
void scan_tokens(void* argument) {
  auto* scan = static_cast<Scan*>(argument);
  core_yy_extra_type extra;
  core_YYSTYPE value;
  YYLTYPE location = 0;
  int values = 0;
  int last_end = 0;
  core_yyscan_t scanner = scanner_init(scan->sql, &extra, &ScanKeywords, ScanKeywordTokens);
  extra.escape_string_warning = false;
  while (scan->text.len <= kStatementTextLimit && core_yylex(&value, &location, scanner) != 0) {
    const char* token = extra.scanbuf + location;  // the scanner ends the current token with a zero
    if (location > last_end && scan->text.len > 0) appendStringInfoChar(&scan->text, ' ');
    last_end = location + static_cast<int>(std::strlen(token));
    if (is_value(token)) {
      appendStringInfo(&scan->text, "$%d", ++values);
    } else {
      append_without_traps(&scan->text, token);
    }
  }
  scanner_finish(scanner);
}

}  // namespace

char* normalise_statement(const char* sql) {
  const int size = static_cast<int>(strnlen(sql, kScannedBytes + 1));
  const bool is_long = size > kScannedBytes;
  Scan scan{
      is_long ? pnstrdup(sql, static_cast<Size>(pg_mbcliplen(sql, size, kScannedBytes))) : sql, {}};
  initStringInfo(&scan.text);
  // The parser has warned of long identifiers already.
  const int client_level = client_min_messages;
  const int log_level = log_min_messages;
  client_min_messages = log_min_messages = ERROR;
  ErrorData* error = border::run_guarded(scan_tokens, &scan);
  client_min_messages = client_level;
  log_min_messages = log_level;
  if (error != nullptr) {
    FreeErrorData(error);
    if (!is_long) return pstrdup(kUnreadable);  // a long text can end within a constant
  }
  if (scan.text.len > kStatementTextLimit)
    scan.text.data[pg_mbcliplen(scan.text.data, scan.text.len, kStatementTextLimit)] = '\0';
  return scan.text.data;
}

void hash_statement(const char* sql, unsigned char* hash) {
  static_assert(kStatementHashSize == PG_SHA256_DIGEST_LENGTH);
  pg_cryptohash_ctx* context = pg_cryptohash_create(PG_SHA256);
  const bool is_done =
      context != nullptr && pg_cryptohash_init(context) >= 0 &&
      pg_cryptohash_update(context, reinterpret_cast<const uint8*>(sql), std::strlen(sql)) >= 0 &&
      pg_cryptohash_final(context, hash, PG_SHA256_DIGEST_LENGTH) >= 0;
  if (context != nullptr) pg_cryptohash_free(context);
  if (!is_done) ereport(ERROR, (errmsg("could not compute the hash of a statement")));
}

}  // namespace lakehouse::guard
