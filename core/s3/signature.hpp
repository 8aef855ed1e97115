// SPDX-License-Identifier: PostgreSQL
// AWS Signature Version 4 ("Signature Calculations for the Authorization Header" and
// "Authenticating Requests: Using Query Parameters" in the S3 API reference). Pure: the time is an
// argument.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.hpp"
#include "core/base/secret.hpp"
#include "core/http/client.hpp"
#include "core/s3/uri.hpp"

namespace lakehouse::s3 {

struct Credentials {
  std::string access_key_id;
  Secret secret_access_key;
  Secret session_token;  // empty for keys that don't expire
};

// Where a signature is good.
struct Scope {
  std::string region, service;
};

// What is signed. Each header here is; what is sent besides must not matter to the server.
struct Canonical {
  std::string method;
  std::string path;  // encoded, begins with '/'
  std::vector<Parameter> query;
  std::vector<http::Header> headers;  // with the host
  std::string payload_hash;           // hex SHA-256, or kUnsignedPayload
};
inline constexpr std::string_view kUnsignedPayload = "UNSIGNED-PAYLOAD";

using Time = std::chrono::system_clock::time_point;

// "20130524T000000Z".
std::string to_timestamp(Time time);
// Hex SHA-256.
std::string hash_of(std::string_view payload);

// The value of the header Authorization. `at` is also the request's x-amz-date, which must be among
// the headers. Errors: kInternal (no memory).
Result<std::string> authorization(const Canonical& request, const Credentials& credentials,
                                  const Scope& scope, Time at);

// The query string, encoded and signed, of a URL that is good for `lifetime` from `at` on: at most
// a week, and never longer than a session token. Errors: kInvalidArgument (lifetime), kInternal.
Result<std::string> signed_query(Canonical request, const Credentials& credentials,
                                 const Scope& scope, Time at, std::chrono::seconds lifetime);

}  // namespace lakehouse::s3
