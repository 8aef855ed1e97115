// SPDX-License-Identifier: PostgreSQL
// What S3 and STS answer, in XML. Read strictly: another root, a missing element or a number that
// is none is kInvalidResponse. Elements that nobody asked for are passed over.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.hpp"
#include "core/s3/signature.hpp"

namespace lakehouse::s3 {

struct StoredObject {
  std::string key;
  std::int64_t bytes = 0;
  Time modified;
};
// ListBucketResult of ListObjectsV2.
struct ObjectPage {
  std::vector<StoredObject> objects;
  std::string continuation;  // of the next page; empty: there is none
};
Result<ObjectPage> read_object_page(std::string_view xml);

struct UnfinishedUpload {
  std::string key, id;
  Time begun;
};
// ListMultipartUploadsResult.
struct UploadPage {
  std::vector<UnfinishedUpload> uploads;
  std::string next_key, next_id;  // markers of the next page; empty: there is none
};
Result<UploadPage> read_upload_page(std::string_view xml);

// The UploadId of InitiateMultipartUploadResult.
Result<std::string> read_upload_id(std::string_view xml);

// CompleteMultipartUpload says 200 before it knows: whether the body says that it went well.
bool is_completion(std::string_view xml);

// AssumeRoleResponse.
struct Session {
  Credentials credentials;
  Time expires;
};
Result<Session> read_session(std::string_view xml);

// The code in an error's body, such as "NoSuchKey"; empty if there is none or it isn't one.
// Messages are never read: they repeat access keys and what was signed.
std::string read_error_code(std::string_view xml);

}  // namespace lakehouse::s3
