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

// ERROR `<noun> "<token>" is refused (<CODE>)`; counted in stat_guard.
[[noreturn]] void refuse(const Refusal& refusal);

// The one answer for a table that is not there and one that the role may not see.
[[noreturn]] void refuse_table(const char* name);
Refusal table_refusal(const char* name);
char* message_of(const Refusal& refusal);

// At most 63 bytes of whole characters, without control and bidi characters; palloc'd.
char* presentable(const char* token);

}  // namespace lakehouse::guard
