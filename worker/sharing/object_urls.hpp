// SPDX-License-Identifier: PostgreSQL
// ObjectUrls: the files of tables in object stores. Recipients fetch them from the store itself: by
// URLs that it checks, or with credentials of an hour that can read the table's folder alone. What
// was handed out can't be called back.
#pragma once

#include "worker/publish/buckets.hpp"
#include "worker/sharing/file_urls.hpp"

namespace lakehouse::worker::sharing {

class ObjectUrls final : public FileUrls {
 public:
  explicit ObjectUrls(publish::Buckets& buckets) : buckets_(buckets) {}

  Result<std::unique_ptr<UrlWriter>> writer(const SharedTable& table, const Recipient& recipient,
                                            std::chrono::sys_seconds expires_at,
                                            const Context& context) override;
  // Whether the store has a role. False too if that can't be told.
  bool has_credentials(const SharedTable& table) const override;
  // Errors: kPermissionDenied (the service refuses the role), kUnavailable, and those of a store.
  Result<std::string> credentials(const SharedTable& table, const Context& context) override;

 private:
  publish::Buckets& buckets_;
};

}  // namespace lakehouse::worker::sharing
