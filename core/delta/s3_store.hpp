// SPDX-License-Identifier: PostgreSQL
// S3Store: a folder of a bucket as a Store. A file up to kPartBytes is put at once, a larger one in
// parts, of which one at a time is in memory. "If absent" is the service's own If-None-Match, which
// AWS, MinIO, R2, Ceph and others honour.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/delta/store.hpp"
#include "core/s3/answer.hpp"
#include "core/s3/bucket.hpp"

namespace lakehouse::delta {

// A part; the most that an upload holds. S3 wants parts of 5 MiB at least and 10,000 at most.
inline constexpr std::size_t kPartBytes = 8U << 20U;

class S3Store final : public Store {
 public:
  // `folder` is a name or empty. Errors: kInvalidArgument.
  static Result<std::unique_ptr<S3Store>> open_folder(std::shared_ptr<const s3::Bucket> bucket,
                                                      std::string folder);

  Result<std::unique_ptr<Upload>> create(std::string_view name, const Context& context) override;
  Result<std::unique_ptr<Source>> open(std::string_view name, const Context& context) override;
  Status remove(std::string_view name, const Context& context) override;
  // Leaves out what others put there under keys that are no names.
  Result<std::vector<StoredFile>> list(std::string_view prefix, const Context& context) override;
  Result<std::int64_t> remove_unfinished(std::string_view prefix, std::chrono::seconds age,
                                         const Context& context) override;

  // Where a file lies in the bucket. Errors: kInvalidArgument.
  Result<std::string> key_of(std::string_view name) const;

 private:
  S3Store(std::shared_ptr<const s3::Bucket> bucket, std::string prefix)
      : bucket_(std::move(bucket)), prefix_(std::move(prefix)) {}
  void append_files(std::vector<StoredFile>& files, const std::vector<s3::StoredObject>& objects);

  std::shared_ptr<const s3::Bucket> bucket_;
  std::string prefix_;  // of all keys: empty, or ends with '/'
};

}  // namespace lakehouse::delta
