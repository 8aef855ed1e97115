// SPDX-License-Identifier: PostgreSQL
// TokenService: credentials for an hour or so, from the Security Token Service (API version
// 2011-06-15), that can read one folder of a bucket and nothing else.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "core/base/context.hpp"
#include "core/base/result.hpp"
#include "core/http/client.hpp"
#include "core/s3/answer.hpp"

namespace lakehouse::s3 {

struct RoleRequest {
  std::string role_arn;
  std::string session_name;             // shows in the cloud's audit log: [A-Za-z0-9+=,.@_-]{2,64}
  std::string policy;                   // JSON; what both it and the role allow is allowed
  std::chrono::seconds lifetime{3600};  // 15 min to 12 h; the role may allow less
};

// AWS's own for "https://s3.<region>.amazonaws.com"; else the store's endpoint, since S3-compatible
// services answer both there.
std::string token_endpoint(const std::string& store_endpoint, const std::string& region);

// Errors: kPermissionDenied (key, role or trust), kUnavailable, kInvalidArgument, kCancelled,
// kTimeout.
Result<Session> assume_role(const RoleRequest& role, const std::string& endpoint,
                            const std::string& region, const Credentials& credentials,
                            http::Client& client, const Context& context);

// A session policy: list and read what lies below `folder` ("tables/x", without a slash at its
// end). Errors: kInvalidArgument for a folder with what a policy takes for a pattern.
Result<std::string> read_policy(const std::string& bucket, std::string_view folder,
                                const std::string& region);

}  // namespace lakehouse::s3
