// SPDX-License-Identifier: PostgreSQL
// Stores: finds the store that a published table's files lie in.
#pragma once

#include <memory>
#include <mutex>
#include <string>

#include "core/base/context.hpp"
#include "core/base/result.hpp"
#include "core/delta/local_store.hpp"
#include "worker/publish/buckets.hpp"

namespace lakehouse::worker::publish {

class Stores {
 public:
  // An absolute path; the directory is made when first asked for.
  Stores(std::string delta_directory, Buckets& buckets)
      : delta_directory_(std::move(delta_directory)), buckets_(buckets) {}

  // `store_id` as published_tables has it; empty for NULL: the directory. From any thread. Errors:
  // those of Buckets::find, those of the store.
  Result<std::shared_ptr<delta::Store>> find(const std::string& store_id, const Context& context);

  // The directory, for those who send its files without copying.
  Result<std::shared_ptr<delta::LocalStore>> directory();

 private:
  const std::string delta_directory_;
  Buckets& buckets_;
  std::mutex mutex_;
  std::shared_ptr<delta::LocalStore> directory_;
};

}  // namespace lakehouse::worker::publish
