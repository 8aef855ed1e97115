// SPDX-License-Identifier: PostgreSQL
// The directory is opened once; a directory that could not be opened is tried again.
#include "worker/publish/stores.hpp"

#include "core/delta/s3_store.hpp"

namespace lakehouse::worker::publish {

Result<std::shared_ptr<delta::Store>> Stores::find(const std::string& store_id,
                                                   const Context& context) {
  if (!store_id.empty()) {
    auto bucket = buckets_.find(store_id, context);
    if (!bucket) return std::move(bucket).error();
    auto store = delta::S3Store::open_folder((*bucket)->bucket, (*bucket)->folder);
    if (!store) return std::move(store).error();
    return std::shared_ptr<delta::Store>(*std::move(store));
  }
  auto found = directory();
  if (!found) return std::move(found).error();
  return std::shared_ptr<delta::Store>(*std::move(found));
}

Result<std::shared_ptr<delta::LocalStore>> Stores::directory() {
  const std::scoped_lock lock(mutex_);
  if (directory_) return directory_;
  auto opened = delta::LocalStore::open_root(delta_directory_);
  if (!opened) {
    Error error = std::move(opened).error();
    if (error.hint.empty()) error.hint = "See the setting lakehouse.delta_directory.";
    return error;
  }
  directory_ = *std::move(opened);
  return directory_;
}

}  // namespace lakehouse::worker::publish
