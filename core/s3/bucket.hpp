// SPDX-License-Identifier: PostgreSQL
// Bucket: signed requests to one bucket of an S3-compatible service, and signed URLs into it.
// Thread-safe; holds the credentials and never gives them out.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/context.hpp"
#include "core/base/result.hpp"
#include "core/http/client.hpp"
#include "core/s3/endpoint.hpp"

namespace lakehouse::s3 {

// https://bucket.host/key or https://host/bucket/key.
enum class Addressing : std::uint8_t { kVirtualHost, kPath };

struct BucketOptions {
  std::string endpoint;  // as Endpoint::parse takes it
  std::string region;
  std::string name;
  Addressing addressing = Addressing::kVirtualHost;
  Credentials credentials;
};

// A request for one key, or for the bucket itself when the key is empty.
struct ObjectRequest {
  http::Method method = http::Method::kGet;
  std::string key;  // not encoded
  std::vector<Parameter> query;
  std::vector<http::Header> headers;  // besides those that signing adds
  std::string body;
  http::Retry retry = http::Retry::kIdempotent;
  std::size_t max_body_bytes = kMostAnswerBytes;

  // An answer in XML: a page has 1000 keys of 1024 bytes at most.
  static constexpr std::size_t kMostAnswerBytes = 8U << 20U;
};

enum class SignedMethod : std::uint8_t { kGet, kHead };

class Bucket {
 public:
  // Errors: kInvalidArgument (endpoint, region, name or access key that can't be one). `client`
  // outlives the bucket.
  static Result<std::shared_ptr<const Bucket>> open(BucketOptions options, http::Client& client);

  // Any status is a response. Errors: kUnavailable, kCancelled, kTimeout, kInvalidArgument (the
  // client's policy forbids the endpoint).
  Result<http::Response> send(ObjectRequest request, const Context& context) const;

  // A URL that gives whoever has it this one object, for `lifetime`: a second to a week. Errors:
  // kInvalidArgument.
  Result<std::string> presign(SignedMethod method, std::string_view key,
                              std::chrono::seconds lifetime, Time now) const;

  const std::string& name() const noexcept { return options_.name; }

 private:
  Bucket(BucketOptions options, Endpoint endpoint, http::Client& client)
      : options_(std::move(options)), endpoint_(std::move(endpoint)), client_(client) {}
  std::string path_of(std::string_view key) const;
  Scope scope() const { return {options_.region, "s3"}; }

  BucketOptions options_;
  Endpoint endpoint_;  // with the bucket's name in its host, if that is how it is addressed
  http::Client& client_;
};

}  // namespace lakehouse::s3
