// SPDX-License-Identifier: PostgreSQL
// The table of scopes. extension/sql/51_oauth_clients.sql checks against the same four.
#include "worker/oauth/scope.hpp"

#include <algorithm>
#include <iterator>

namespace lakehouse::worker::oauth {

const std::vector<ScopeFacts>& all_scopes() {
  static const std::vector<ScopeFacts> scopes = {
      {"crm:read", "Read the CRM records that you can read: accounts, contacts, deals, activities"},
      {"crm:write", "Create and change CRM records as you, for example log a call or move a deal"},
      {"erp:read", "Read orders, invoices and stock that you can read"},
      {"warehouse:query", "Query the warehouse tables that are open to agents"},
  };
  return scopes;
}

std::vector<std::string> scope_names() {
  std::vector<std::string> names;
  for (const ScopeFacts& scope : all_scopes()) names.emplace_back(scope.name);
  return names;
}

std::vector<std::string> split_scopes(std::string_view text) {
  std::vector<std::string> scopes;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(' '), text.size());
    if (end > 0) scopes.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  std::ranges::sort(scopes);
  scopes.erase(std::unique(scopes.begin(), scopes.end()), scopes.end());
  return scopes;
}

std::string join_scopes(const std::vector<std::string>& scopes) {
  std::string text;
  for (const std::string& scope : scopes) text += (text.empty() ? "" : " ") + scope;
  return text;
}

std::vector<std::string> narrow(const std::vector<std::string>& asked,
                                const std::vector<std::string>& allowed) {
  if (asked.empty()) return allowed;
  std::vector<std::string> both;
  std::ranges::set_intersection(asked, allowed, std::back_inserter(both));
  return both;
}

}  // namespace lakehouse::worker::oauth
