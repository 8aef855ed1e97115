// SPDX-License-Identifier: PostgreSQL
// Buckets: from the id of a row of lakehouse.stores to an open bucket. The row is read anew at each
// call, so that another key or a revocation counts at once; the secret is opened again only when
// the row has changed. What is under way keeps what it has.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>

#include "core/http/client.hpp"
#include "core/s3/bucket.hpp"
#include "core/vault/vault.hpp"
#include "worker/db/pool.hpp"

namespace lakehouse::worker::publish {

// A row of lakehouse.stores.
struct StoreRow {
  std::string id, tenant_id, url, endpoint, region, access_key_id, role_arn;
  bool is_path_style = false;
  std::optional<std::string> secret;  // an envelope of the vault
  std::int64_t secret_version = 0;

  bool operator==(const StoreRow&) const = default;
};

struct OpenBucket {
  StoreRow row;
  s3::Credentials credentials;
  std::string folder;  // of the store within the bucket; perhaps empty
  std::shared_ptr<const s3::Bucket> bucket;
};

class Buckets {
 public:
  Buckets(db::Pool& pool, const vault::Vault& vault, lakehouse::http::Client& client)
      : pool_(pool), vault_(vault), client_(client) {}

  // From any thread. Errors: kNotFound, kUnauthenticated (revoked, or a secret that does not open),
  // kInvalidArgument (a row that can't be a bucket), the database's.
  Result<std::shared_ptr<const OpenBucket>> find(const std::string& store_id,
                                                 const Context& context);

  lakehouse::http::Client& client() const noexcept { return client_; }

 private:
  Result<std::shared_ptr<const OpenBucket>> open(StoreRow row) const;

  db::Pool& pool_;
  const vault::Vault& vault_;
  lakehouse::http::Client& client_;
  std::mutex mutex_;
  std::unordered_map<std::string, std::shared_ptr<const OpenBucket>> entries_;  // by the row's id
};

}  // namespace lakehouse::worker::publish
