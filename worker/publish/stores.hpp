// SPDX-License-Identifier: PostgreSQL
// Stores: finds the store that a published table's files lie in.
#pragma once

#include <memory>
#include <mutex>
#include <string>

#include "core/base/context.hpp"
#include "core/base/result.hpp"
#include "core/delta/local_store.hpp"

namespace lakehouse::worker::publish {

class Stores {
 public:
  // An absolute path; the directory is made when first asked for.
  explicit Stores(std::string delta_directory) : delta_directory_(std::move(delta_directory)) {}

  // `store_id` as published_tables has it; empty for NULL: the directory. From any thread. Errors:
  // kNotFound, those of the store.
  Result<std::shared_ptr<delta::Store>> find(const std::string& store_id, const Context& context);

  // The directory, for those who send its files without copying.
  Result<std::shared_ptr<delta::LocalStore>> directory();

 private:
  const std::string delta_directory_;
  std::mutex mutex_;
  std::shared_ptr<delta::LocalStore> directory_;
};

}  // namespace lakehouse::worker::publish
