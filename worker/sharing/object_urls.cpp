// SPDX-License-Identifier: PostgreSQL
// Presigned URLs and AssumeRole, by the bucket that the table's row names.
#include "worker/sharing/object_urls.hpp"

#include <algorithm>

#include "core/base/json_text.hpp"
#include "core/s3/token_service.hpp"

namespace lakehouse::worker::sharing {
namespace {

using publish::OpenBucket;

// For a question on the way to an answer.
constexpr std::chrono::seconds kLookTime{2};
constexpr std::chrono::seconds kCredentialLifetime{3600};

// The table's folder within the bucket.
std::string folder_of(const OpenBucket& store, const SharedTable& table) {
  return store.folder.empty() ? table.location : store.folder + '/' + table.location;
}

class Writer final : public UrlWriter {
 public:
  Writer(std::shared_ptr<const OpenBucket> store, std::string folder, s3::Time now,
         std::chrono::seconds lifetime)
      : store_(std::move(store)), folder_(std::move(folder)), now_(now), lifetime_(lifetime) {}

  std::string url_of(std::string_view path) const override {
    const std::string key = folder_ + '/' + std::string(path);
    auto url = store_->bucket->presign(s3::SignedMethod::kGet, key, lifetime_, now_);
    return url ? *std::move(url) : std::string();
  }

 private:
  const std::shared_ptr<const OpenBucket> store_;
  const std::string folder_;
  const s3::Time now_;
  const std::chrono::seconds lifetime_;
};

std::string credentials_json(const std::string& location, const s3::Session& session) {
  std::string keys = "{";
  append_json_field(keys, "accessKeyId", session.credentials.access_key_id);
  append_json_field(keys, "secretAccessKey", session.credentials.secret_access_key.reveal());
  append_json_field(keys, "sessionToken", session.credentials.session_token.reveal());
  std::string json = "{";
  append_json_field(json, "location", location);
  const auto expires =
      std::chrono::duration_cast<std::chrono::milliseconds>(session.expires.time_since_epoch());
  return json + ",\"awsTempCredentials\":" + keys +
         "},\"expirationTime\":" + std::to_string(expires.count()) + '}';
}

}  // namespace

Result<std::unique_ptr<UrlWriter>> ObjectUrls::writer(const SharedTable& table, const Recipient&,
                                                      std::chrono::sys_seconds expires_at,
                                                      const Context& context) {
  auto store = buckets_.find(table.store_id, context);
  if (!store) return std::move(store).error();
  const auto now = std::chrono::system_clock::now();
  const auto left = std::chrono::duration_cast<std::chrono::seconds>(expires_at - now);
  std::string folder = folder_of(**store, table);
  return std::unique_ptr<UrlWriter>(std::make_unique<Writer>(
      *std::move(store), std::move(folder), now, std::max(left, std::chrono::seconds(1))));
}

bool ObjectUrls::has_credentials(const SharedTable& table) const {
  const auto store = buckets_.find(table.store_id, Context{Deadline::in(kLookTime), {}, {}});
  return store && !(*store)->row.role_arn.empty();
}

Result<std::string> ObjectUrls::credentials(const SharedTable& table, const Context& context) {
  auto store = buckets_.find(table.store_id, context);
  if (!store) return std::move(store).error();
  const publish::StoreRow& row = (*store)->row;
  const std::string& bucket = (*store)->bucket->name();
  const std::string folder = folder_of(**store, table);
  auto policy = s3::read_policy(bucket, folder, row.region);
  if (!policy) return std::move(policy).error();
  // The table's id, so that the cloud's own log tells what was read.
  const s3::RoleRequest role{row.role_arn, "lakehouse-" + table.id, *std::move(policy),
                             kCredentialLifetime};
  auto session = s3::assume_role(role, s3::token_endpoint(row.endpoint, row.region), row.region,
                                 (*store)->credentials, buckets_.client(), context);
  if (!session) return std::move(session).error();
  return credentials_json("s3://" + bucket + '/' + folder, *session);
}

}  // namespace lakehouse::worker::sharing
