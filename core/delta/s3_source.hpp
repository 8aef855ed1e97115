// SPDX-License-Identifier: PostgreSQL
// S3Source: an object read range by range. Its end is read with the first request: there lies what
// a reader of Parquet wants first, and most commits are no longer than that.
#pragma once

#include <memory>
#include <string>

#include "core/base/context.hpp"
#include "core/delta/stream.hpp"
#include "core/s3/bucket.hpp"

namespace lakehouse::delta {

class S3Source final : public Source {
 public:
  // Errors: kNotFound, kPermissionDenied, kUnavailable. The context counts for all reads.
  static Result<std::unique_ptr<S3Source>> open(std::shared_ptr<const s3::Bucket> bucket,
                                                std::string key, const Context& context);

  std::int64_t bytes() const override { return bytes_; }
  // Error: kUnavailable also when the object is no longer the one that was opened.
  Result<std::size_t> read(std::int64_t offset, std::span<std::byte> into) const override;

 private:
  S3Source(std::shared_ptr<const s3::Bucket> bucket, std::string key, const Context& context)
      : bucket_(std::move(bucket)), key_(std::move(key)), context_(context) {}
  Status read_end();
  Status read_range(std::int64_t offset, std::span<std::byte> into) const;

  std::shared_ptr<const s3::Bucket> bucket_;
  std::string key_;
  Context context_;
  std::int64_t bytes_ = 0;
  std::string entity_tag_;  // of the object as it was opened; empty if the service gives none
  std::string end_;         // its last bytes
};

}  // namespace lakehouse::delta
