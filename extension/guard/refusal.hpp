// SPDX-License-Identifier: PostgreSQL
// What the guard says when it says no: a code, the rejected token, the rule, and what would pass.
// Plain regime.
#pragma once

#include <cstddef>
#include <cstdint>

#include "extension/postgres/prelude.hpp"

namespace lakehouse::guard {

enum class Code : std::uint8_t {
  kMultiStatement,
  kDdlForbidden,
  kDmlForbidden,
  kStatementNotAllowed,
  kTableNotAllowListed,
  kColumnNotAllowListed,
  kFunctionNotAllowListed,
  kTypeNotAllowListed,
  kQueryTooComplex,
  kPayloadCapExceeded,
  kRowCapExceeded,
};
inline constexpr std::size_t kCodeCount = 11;

struct CodeFacts {
  const char* name;
  int sqlstate;
};
const CodeFacts& facts_of(Code code);

struct Refusal {
  Code code;
  const char* noun;   // what was refused: "table", "function" …
  const char* token;  // as it may be shown; nullptr: none
  const char* rule;   // DETAIL
  const char* hint;
};

// ERROR `<noun> "<token>" is refused (<CODE>)`; counted in stat_guard, and audited.
[[noreturn]] void refuse(const Refusal& refusal);

// Counts and audits a refusal that was raised in a trial.
void record_refusal(Code code);

// While it is not known yet whether a refusal is the one that the agent gets: nothing is counted or
// audited.
extern int trial_depth;

// Each is the one answer for what is not there and what the role may not see.
Refusal table_refusal(const char* name);
Refusal column_refusal(const char* name, const char* hint);
Refusal function_refusal(const char* name);
Refusal operator_refusal(const char* name);
Refusal type_refusal(const char* name);
Refusal collation_refusal(const char* name);
[[noreturn]] void refuse_table(const char* name);

[[noreturn]] void refuse_statement(Code code, const char* rule);
[[noreturn]] void refuse_change();
[[noreturn]] void refuse_lock();
[[noreturn]] void refuse_recursion();
[[noreturn]] void refuse_construct(const char* name);
[[noreturn]] void refuse_size(const char* rule);

char* message_of(const Refusal& refusal);

// Which refusal an error is; false: none.
bool find_code(const ErrorData* error, Code& code);

// At most 63 bytes of whole characters, without control and bidi characters; palloc'd.
char* presentable(const char* token);

}  // namespace lakehouse::guard
