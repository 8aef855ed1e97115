// SPDX-License-Identifier: PostgreSQL
// Admission: whose token a request carries, and what it may see of the place it names.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace lakehouse::worker::sharing {

// What a path names; empty: nothing.
struct Target {
  std::string_view share, schema, table;
};

struct Recipient {
  std::string id, name, tenant_id;
  std::int64_t token_id = 0;
  std::int64_t wait_ms = 0;           // until it may ask again, having asked too much
  std::int64_t token_expires_at = 0;  // seconds since 1970; 0: what is listed with it outlives it
};

// As published and shared, under the names that the share gives.
struct SharedTable {
  std::string id, share_id;
  std::string share, schema, name, description;
  bool has_history = false;        // may be read in older versions, and its changes
  std::int64_t start_version = 0;  // older ones may not
  std::int64_t version = -1;       // newest that can be read; -1: none yet
  std::string location, store_id;  // where its files lie; no store: the local directory

  std::string full_name() const { return share + "." + schema + "." + name; }
};

struct Admission {
  std::string outcome;  // admitted, unknown, network, limited, no_share, no_schema, no_table
  Recipient recipient;
  SharedTable table;  // as far as the target names it
};

}  // namespace lakehouse::worker::sharing
