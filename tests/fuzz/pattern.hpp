// SPDX-License-Identifier: PostgreSQL
// Pattern: the strict form of a text as a POSIX regular expression, written beside the parser and
// not from it. Whoever accepts more than the pattern is wrong.
#pragma once

#include <regex.h>

#include <string>
#include <string_view>

#include "tests/fuzz/require.hpp"

namespace lakehouse::fuzz {

class Pattern {
 public:
  explicit Pattern(const char* text) {
    require(::regcomp(&compiled_, text, REG_EXTENDED) == 0, "a pattern is a pattern");
  }
  ~Pattern() { ::regfree(&compiled_); }
  Pattern(const Pattern&) = delete;
  Pattern& operator=(const Pattern&) = delete;

  bool fits(std::string_view text) const {
    const std::string ended(text);  // AddressSanitizer reads up to a zero byte, whatever the flags
    regmatch_t whole{0, static_cast<regoff_t>(text.size())};
    const auto end = whole.rm_eo;
    return ::regexec(&compiled_, ended.c_str(), 1, &whole, REG_STARTEND) == 0 && whole.rm_so == 0 &&
           whole.rm_eo == end;
  }

 private:
  regex_t compiled_;
};

}  // namespace lakehouse::fuzz
