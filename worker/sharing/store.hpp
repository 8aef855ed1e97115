// SPDX-License-Identifier: PostgreSQL
// Store: every question the sharing server puts to the database, one statement each.
// Errors are those of db::Connection::query; what may fail by a caller's fault is an outcome.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "worker/db/pool.hpp"
#include "worker/sharing/admission.hpp"
#include "worker/sharing/snapshot.hpp"

namespace lakehouse::worker::sharing {

class Store {
 public:
  explicit Store(db::Pool& pool) : pool_(pool) {}

  Result<Admission> admit(std::string_view token_hash, std::string_view address,
                          const Target& target, const Context& context);

  // Lists are in the order of their lower-case names, which no two of a list share. `after` is the
  // last name of the page before, of tables with its schema before a slash; empty: from the first.
  struct Named {
    std::string schema, name, id, table_id;  // as far as the list has them
    std::string key;                         // what the next page comes after
  };
  using List = std::vector<Named>;
  Result<List> list_shares(std::string_view recipient_id, std::string_view after, std::int64_t most,
                           const Context& context);
  Result<List> list_schemas(std::string_view share_id, std::string_view after, std::int64_t most,
                            const Context& context);
  // Of all schemas where none is named.
  Result<List> list_tables(std::string_view share_id, std::string_view schema,
                           std::string_view after, std::int64_t most, const Context& context);

  // What can be read at all, and the times of versions.
  struct History {
    std::int64_t oldest = 0;   // version that was in force at or after `since_ms`
    std::int64_t before = -1;  // newest version committed at or before the time asked for; -1: none
    std::int64_t after = -1;   // oldest version committed at or after it; -1: none
  };
  Result<History> history(const SharedTable& table, std::int64_t at_ms, std::int64_t since_ms,
                          const Context& context);
  // The metadata in force at a version; nothing if it is no longer known.
  Result<std::optional<TableMetadata>> metadata(const SharedTable& table, std::int64_t version,
                                                const Context& context);
  Result<std::vector<DataFile>> files(const SharedTable& table, std::int64_t version,
                                      const Context& context);
  // What the versions from first to last changed, in their order: metadata, and either change files
  // or files that came and went. Without what only lies otherwise.
  Result<std::vector<Change>> changes(const SharedTable& table, std::int64_t first,
                                      std::int64_t last, bool with_change_files,
                                      const Context& context);

  struct FilePlace {
    std::string location, store_id;
  };
  Result<std::optional<FilePlace>> admit_file(std::int64_t token_id, std::string_view share_id,
                                              std::string_view table_id, std::string_view address,
                                              const Context& context);

  struct Activation {
    std::string auth, client_id;  // no auth: the link is worth nothing
    std::int64_t expires_at = 0;  // seconds since 1970; 0: never
  };
  Result<Activation> activate(std::string_view activation_hash, std::string_view token_hash,
                              std::string_view secret_hash, const Context& context);
  struct Issue {
    std::string outcome;  // issued, denied, network, locked
    std::int64_t retry_seconds = 0;
  };
  Result<Issue> issue_token(std::string_view client_id, std::string_view secret_hash,
                            std::string_view token_hash, std::string_view address,
                            const Context& context);

 private:
  db::Pool& pool_;
};

inline constexpr int kAccessSeconds = 3600;

}  // namespace lakehouse::worker::sharing
