// SPDX-License-Identifier: PostgreSQL
// Table: a row of lakehouse.published_tables, with what SQL needs to read its source.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/base/context.hpp"
#include "core/base/result.hpp"
#include "core/delta/action.hpp"
#include "core/delta/schema.hpp"
#include "worker/db/connection.hpp"

namespace lakehouse::worker::publish {

struct Table {
  std::string id, store_id, location;
  std::string source_id;                // object id of the table or view
  std::string source;                   // schema and name as SQL writes them; empty: it is gone
  std::string name;                     // the same, for people
  std::string description;              // its comment
  std::vector<std::string> key;         // names of the key's columns
  std::vector<std::string> key_places;  // the same as SQL writes them
  std::vector<std::string> key_types;
  bool is_compared = false;       // nothing notes its changes
  bool has_unique_index = false;  // that proves its key
  delta::Schema before;           // of the newest version
  std::int32_t next_column_id = 1;
  std::int64_t version = -1;
  std::int64_t created_ms = 0;
  std::int64_t expected_rows = 0;  // about
  bool has_failed = false;         // at the last publish

  std::string path_of(const std::string& file) const { return location + '/' + file; }
  bool is_new() const noexcept { return version < 0; }
};

Result<std::vector<Table>> read_tables(db::Connection& connection, const std::string& tenant_id,
                                       const Context& context);

delta::Metadata metadata_of(const Table& table, const delta::Schema& schema);

// A list of texts as PostgreSQL reads it: {"…","…"}
std::string array_text(const std::vector<std::string>& texts);

}  // namespace lakehouse::worker::publish
