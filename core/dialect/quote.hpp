// SPDX-License-Identifier: PostgreSQL
// Identifiers in a remote engine's SQL. `append` takes one string_view at a time, so that a caller
// can build into palloc'd memory without a C++ object alive. There is no function that quotes a
// literal: values are bound.
#pragma once

#include <string_view>

namespace lakehouse::dialect {

// `name` between quote characters, each one inside doubled. Databricks: '`'; Snowflake: '"'.
template <typename Append>
void quote_identifier(std::string_view name, char quote, Append&& append) {
  const std::string_view mark(&quote, 1);
  append(mark);
  while (!name.empty()) {
    const std::size_t end = name.find(quote);
    append(name.substr(0, end));
    if (end == std::string_view::npos) break;
    append(mark);
    append(mark);
    name.remove_prefix(end + 1);
  }
  append(mark);
}

// Writes `form` with each $1, $2 … replaced by what `argument(index from 0)` appends.
template <typename Append, typename Argument>
void expand_form(std::string_view form, Append&& append, Argument&& argument) {
  while (!form.empty()) {
    const std::size_t mark = form.find('$');
    append(form.substr(0, mark));
    if (mark == std::string_view::npos) return;
    argument(form[mark + 1] - '1');
    form.remove_prefix(mark + 2);
  }
}

}  // namespace lakehouse::dialect
