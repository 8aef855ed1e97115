// SPDX-License-Identifier: PostgreSQL
// S3Upload: a file on its way into a bucket. Small ones go in one request when they are finished,
// larger ones as a multipart upload, which is invisible until it is completed.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/base/context.hpp"
#include "core/delta/store.hpp"
#include "core/s3/bucket.hpp"

namespace lakehouse::delta {

class S3Upload final : public Upload {
 public:
  S3Upload(std::shared_ptr<const s3::Bucket> bucket, std::string key, const Context& context)
      : bucket_(std::move(bucket)), key_(std::move(key)), context_(context) {}
  // Aborts what isn't finished, within a few seconds even if the context is over.
  ~S3Upload() override;
  S3Upload(const S3Upload&) = delete;
  S3Upload& operator=(const S3Upload&) = delete;

  Status write(std::span<const std::byte> bytes) override;
  Result<bool> finish(IfPresent if_present) override;

 private:
  Status begin();
  Status put_part();
  Result<bool> put_whole(IfPresent if_present);
  Result<bool> put_if_absent();
  Result<bool> is_ours();
  Result<bool> complete(IfPresent if_present);

  std::shared_ptr<const s3::Bucket> bucket_;
  std::string key_;
  Context context_;
  std::string held_;                      // not sent yet
  std::string upload_id_;                 // empty: no multipart upload is under way
  std::vector<std::string> entity_tags_;  // of its parts
};

// Errors: the bucket's. It is no error when there is none.
Status abort_upload(const s3::Bucket& bucket, const std::string& key, const std::string& upload_id,
                    const Context& context);

}  // namespace lakehouse::delta
