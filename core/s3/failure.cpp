// SPDX-License-Identifier: PostgreSQL
// A table from statuses and error codes of S3 to errors.
#include "core/s3/failure.hpp"

#include <algorithm>
#include <array>
#include <string_view>

#include "core/s3/answer.hpp"

namespace lakehouse::s3 {
namespace {

struct Known {
  std::string_view code;
  ErrorCode error;
  const char* message;
  const char* hint;
};

constexpr const char* kRenewKey = "Give the store its new key with lakehouse.set_s3_key().";
constexpr const char* kCheckRegion =
    "Set the store up again with the bucket's own region and endpoint.";

constexpr std::array kKnown = {
    Known{"NoSuchBucket", ErrorCode::kNotFound, "bucket does not exist",
          "Make the bucket, or set the store up again with another one."},
    Known{"InvalidAccessKeyId", ErrorCode::kPermissionDenied, "object store does not know the key",
          kRenewKey},
    Known{"InvalidClientTokenId", ErrorCode::kPermissionDenied,
          "object store does not know the key", kRenewKey},
    Known{"SignatureDoesNotMatch", ErrorCode::kPermissionDenied,
          "object store does not accept the secret key", kRenewKey},
    Known{"ExpiredToken", ErrorCode::kPermissionDenied, "credentials have expired", kRenewKey},
    Known{"RequestTimeTooSkewed", ErrorCode::kPermissionDenied,
          "clocks of this machine and of the object store differ",
          "Set the clock of this machine."},
    Known{"PermanentRedirect", ErrorCode::kInvalidArgument, "bucket lies in another region",
          kCheckRegion},
    Known{"AuthorizationHeaderMalformed", ErrorCode::kInvalidArgument,
          "bucket lies in another region", kCheckRegion},
};

std::string detail_of(int status, const std::string& code) {
  return "It answered " + std::to_string(status) + (code.empty() ? "." : " (" + code + ").");
}

}  // namespace

Error failure_of(const http::Response& response) {
  const std::string code = read_error_code(response.body);
  const std::string detail = detail_of(response.status, code);
  const auto* const known = std::ranges::find(kKnown, code, &Known::code);
  if (known != kKnown.end()) return {known->error, known->message, detail, known->hint};
  switch (response.status) {
    case 301:
    case 307:
      return {ErrorCode::kInvalidArgument, "bucket lies in another region", detail, kCheckRegion};
    case 401:
    case 403:
      return {ErrorCode::kPermissionDenied, "object store refused access", detail,
              "Let the key list, read, write and delete below the store's prefix."};
    case 404:
      return {ErrorCode::kNotFound, "object does not exist", detail, ""};
    case 501:
      return {ErrorCode::kUnavailable, "object store lacks an operation", detail,
              "Use one with conditional writes (If-None-Match) and multipart uploads."};
    default:
      return {ErrorCode::kUnavailable, "object store failed a request", detail, "Try again later."};
  }
}

Error failure_of(Error error, const Context& context) {
  const bool has_failed = error.code == ErrorCode::kUnreachable ||
                          error.code == ErrorCode::kInvalidResponse ||
                          error.code == ErrorCode::kCapExceeded ||
                          (error.code == ErrorCode::kTimeout && !context.deadline.has_passed());
  if (has_failed) error.code = ErrorCode::kUnavailable;
  return error;
}

}  // namespace lakehouse::s3
