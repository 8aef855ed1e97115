// SPDX-License-Identifier: PostgreSQL
// Reads the row, compares, and builds when needed.
#include "worker/warehouses/registry.hpp"

namespace lakehouse::worker::warehouses {

Result<gateway::ConnectedWarehouse> Registry::find(const std::string& connection_id,
                                                   const Context& context) {
  auto row = read_connection_row(pool_, connection_id, context);
  if (!row) {
    if (row.error().code == ErrorCode::kNotFound) forget(connection_id);
    return row.error();
  }
  gateway::ConnectedWarehouse found{find_unchanged(*row), row->catalog, row->schema};
  if (found.warehouse) return found;
  auto built = build(*row);
  if (!built) return built.error();
  found.warehouse = *std::move(built);
  return found;
}

SharedWarehouse Registry::find_unchanged(const ConnectionRow& row) {
  const std::scoped_lock lock(mutex_);
  const auto entry = entries_.find(row.id);
  return entry != entries_.end() && entry->second.row == row ? entry->second.warehouse : nullptr;
}

// Two calls may build at the same time; the later one stays, both work.
Result<SharedWarehouse> Registry::build(const ConnectionRow& row) {
  if (row.is_revoked || !row.secret) forget(row.id);
  if (row.is_revoked) return revoked_error();
  if (!row.secret) {
    return Error{ErrorCode::kUnauthenticated, "warehouse connection has no secret", "",
                 "Run \"lakehouse-worker secret set\" on the server, or connect it again with a "
                 "secret."};
  }
  auto secret = vault_.open(*row.secret, row.secret_place(row.secret_version));
  if (!secret) return secret.error();
  auto built = connect_(row, *std::move(secret));
  if (!built) return built.error();
  const std::scoped_lock lock(mutex_);
  entries_.insert_or_assign(row.id, Entry{row, *built});
  return *built;
}

void Registry::forget(const std::string& connection_id) {
  const std::scoped_lock lock(mutex_);
  entries_.erase(connection_id);
}

std::vector<std::string> Registry::connections() const {
  std::vector<std::string> ids;
  const std::scoped_lock lock(mutex_);
  for (const auto& [id, entry] : entries_) ids.push_back(id);
  return ids;
}

Error revoked_error() {
  return {ErrorCode::kUnauthenticated, "warehouse connection was revoked", "",
          "Give it a secret again with \"lakehouse-worker secret set\" on the server, or drop it "
          "and connect again."};
}

}  // namespace lakehouse::worker::warehouses
