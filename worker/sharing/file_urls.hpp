// SPDX-License-Identifier: PostgreSQL
// FileUrls: how a recipient gets at the files of a table, by the store they lie in. Local files are
// served here, under signed URLs; an object store presigns its own.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <string_view>

#include "core/base/context.hpp"
#include "core/base/result.hpp"
#include "worker/sharing/admission.hpp"

namespace lakehouse::worker::sharing {

// Writes the URLs of one answer, all for one table, recipient and time.
class UrlWriter {
 public:
  virtual ~UrlWriter() = default;
  // Whole, escaped, of printable ASCII without quotes; `path` is below the table's folder, as it
  // is. It must look presigned: Delta's kernel fetches by itself only what has one of the
  // parameters sp, X-Amz-Signature, X-Goog-Credential, X-OSS-Credential. Empty if it could not be
  // signed.
  virtual std::string url_of(std::string_view path) const = 0;
};

class FileUrls {
 public:
  virtual ~FileUrls() = default;

  virtual Result<std::unique_ptr<UrlWriter>> writer(const SharedTable& table,
                                                    const Recipient& recipient,
                                                    std::chrono::sys_seconds expires_at,
                                                    const Context& context) = 0;

  // Whether recipients can get credentials of the store itself, to read the table's folder.
  virtual bool has_credentials(const SharedTable& table) const = 0;
  // The JSON object `credentials` of the protocol: location, awsTempCredentials, expirationTime.
  // Only where has_credentials().
  virtual Result<std::string> credentials(const SharedTable& table, const Context& context) = 0;
};

}  // namespace lakehouse::worker::sharing
