// SPDX-License-Identifier: PostgreSQL
// Identity: on whose behalf a request is made, by which client, and what it may do.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace lakehouse::worker::oauth {

struct Identity {
  std::string client_id, client_name;
  std::string tenant_id, tenant;  // uuid and slug
  std::string user_id, email, full_name;
  std::string role;                 // PostgreSQL's, of the user
  std::vector<std::string> scopes;  // of the token, sorted
  std::int64_t token_id = 0;
  std::int64_t expires_at = 0;  // seconds since 1970

  bool has_scope(std::string_view scope) const;
};

}  // namespace lakehouse::worker::oauth
