// SPDX-License-Identifier: PostgreSQL
// Reads the row, compares, and opens when needed.
#include "worker/publish/buckets.hpp"

#include "worker/warehouses/connection_row.hpp"

namespace lakehouse::worker::publish {
namespace {

constexpr const char* kSelect =
    "SELECT id::text, tenant_id::text, url, endpoint, region, access_key_id, "
    "coalesce(role_arn, ''), path_style::int, secret, secret_version "
    "FROM lakehouse.stores WHERE id = $1::uuid";
constexpr std::string_view kScheme = "s3://";

Error absent_error() {
  return {ErrorCode::kNotFound, "the store of a published table does not exist", "", ""};
}

Error revoked_error() {
  return {ErrorCode::kUnauthenticated, "the store of a published table was revoked", "",
          "Give it a key with lakehouse.set_s3_key()."};
}

Result<StoreRow> to_store_row(db::Row row) {
  StoreRow read;
  read.id = row.text();
  read.tenant_id = row.text();
  read.url = row.text();
  read.endpoint = row.text();
  read.region = row.text();
  read.access_key_id = row.text();
  read.role_arn = row.text();
  read.is_path_style = row.integer() != 0;
  read.secret = row.bytes_or_null();
  read.secret_version = row.integer();
  if (Status sound = row.finish(); !sound) return sound.error();
  return read;
}

Result<StoreRow> read_store_row(db::Pool& pool, const std::string& id, const Context& context) {
  auto rows = pool.query(kSelect, {db::Value::text(id)}, context);
  if (!rows) return rows.error();
  if (rows->count() == 0) return absent_error();
  return to_store_row(rows->row(0));
}

}  // namespace

Result<std::shared_ptr<const OpenBucket>> Buckets::find(const std::string& store_id,
                                                        const Context& context) {
  auto row = read_store_row(pool_, store_id, context);
  const std::scoped_lock lock(mutex_);
  auto& entry = entries_[store_id];
  if (row && entry && entry->row == *row) return entry;
  entry.reset();
  if (!row) return std::move(row).error();
  auto opened = open(*std::move(row));
  if (opened) entry = *opened;
  return opened;
}

// lakehouse.seal_store_secret() names the place alike.
Result<std::shared_ptr<const OpenBucket>> Buckets::open(StoreRow row) const {
  if (!row.secret) return revoked_error();
  const vault::Place place{row.tenant_id, "stores", row.id, warehouses::secret_column(row.endpoint),
                           static_cast<std::uint64_t>(row.secret_version)};
  auto secret = vault_.open(*row.secret, place);
  if (!secret) return std::move(secret).error();
  auto open = std::make_shared<OpenBucket>();
  open->credentials = {row.access_key_id, *std::move(secret), {}};
  const std::string path =
      row.url.starts_with(kScheme) ? row.url.substr(kScheme.size()) : std::string();
  const std::size_t end = path.find('/');
  if (end != std::string::npos) open->folder = path.substr(end + 1);
  const auto addressing = row.is_path_style ? s3::Addressing::kPath : s3::Addressing::kVirtualHost;
  auto bucket = s3::Bucket::open(
      {row.endpoint, row.region, path.substr(0, end), addressing, open->credentials}, client_);
  if (!bucket) return std::move(bucket).error();
  open->bucket = *std::move(bucket);
  open->row = std::move(row);
  return std::shared_ptr<const OpenBucket>(std::move(open));
}

}  // namespace lakehouse::worker::publish
