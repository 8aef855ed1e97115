// SPDX-License-Identifier: PostgreSQL
// Scopes: what a token allows, and how that is said to users.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace lakehouse::worker::oauth {

struct ScopeFacts {
  std::string_view name, words;
};
const std::vector<ScopeFacts>& all_scopes();  // ordered by name
std::vector<std::string> scope_names();

// Between a list and text with spaces (RFC 6749, section 3.3); a list is sorted, and has each once.
std::vector<std::string> split_scopes(std::string_view text);
std::string join_scopes(const std::vector<std::string>& scopes);

// Those of `asked` that are in `allowed`; all of `allowed` if nothing is asked.
std::vector<std::string> narrow(const std::vector<std::string>& asked,
                                const std::vector<std::string>& allowed);

}  // namespace lakehouse::worker::oauth
