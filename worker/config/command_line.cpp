// SPDX-License-Identifier: PostgreSQL
// One pass over the characters, with the open quote as state.
#include "worker/config/command_line.hpp"

#include <optional>

namespace lakehouse::worker::config {

Result<std::vector<std::string>> split_command_line(std::string_view line) {
  std::vector<std::string> words;
  std::optional<std::string> word;  // absent between words; '' is a word
  char quote = '\0';
  for (std::size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    const bool is_space = c == ' ' || c == '\t' || c == '\n';
    if (quote == '\0' && is_space) {
      if (word) words.push_back(*std::move(word));
      word.reset();
      continue;
    }
    if (!word) word.emplace();
    if (c == '\\' && quote != '\'') {
      if (++i == line.size()) {
        return Error{ErrorCode::kInvalidArgument, "Nothing follows the last backslash", "", ""};
      }
      word->push_back(line[i]);
    } else if (quote == '\0' && (c == '\'' || c == '"')) {
      quote = c;
    } else if (c == quote && quote != '\0') {
      quote = '\0';
    } else {
      word->push_back(c);
    }
  }
  if (quote != '\0') return Error{ErrorCode::kInvalidArgument, "A quote has no end", "", ""};
  if (word) words.push_back(*std::move(word));
  return words;
}

}  // namespace lakehouse::worker::config
