// SPDX-License-Identifier: PostgreSQL
// Client: a program that asks users for access.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace lakehouse::worker::oauth {

struct Client {
  std::string id, name;
  std::string tenant;       // slug; empty: users of any tenant
  std::string secret_hash;  // SHA-256; empty: it has no secret
  std::vector<std::string> redirect_uris;
  std::vector<std::string> scopes;  // sorted
  bool is_document = false;         // its id is the URL of its metadata
  bool is_revoked = false;

  bool has_secret() const { return !secret_hash.empty(); }
};

}  // namespace lakehouse::worker::oauth
