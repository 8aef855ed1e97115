// SPDX-License-Identifier: PostgreSQL
// Scopes do not imply one another: crm:write without crm:read is write alone.
#include "worker/oauth/identity.hpp"

#include <algorithm>

namespace lakehouse::worker::oauth {

bool Identity::has_scope(std::string_view scope) const {
  return std::ranges::find(scopes, scope) != scopes.end();
}

}  // namespace lakehouse::worker::oauth
