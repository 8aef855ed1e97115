// SPDX-License-Identifier: PostgreSQL
// The bucket that a test names in the environment: S3_ENDPOINT, S3_BUCKET, S3_FOLDER, AWS_REGION,
// AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY; and a client that may call a service on the loopback.
#pragma once

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <utility>

#include "core/delta/s3_store.hpp"

namespace lakehouse::delta::test {

// Code, message, detail and hint, a line each, on standard error.
[[noreturn]] inline void fail(const Error& error) {
  const std::string code(facts_of(error.code).name);
  std::fprintf(stderr, "%s\n%s\n%s\n%s\n", code.c_str(), error.message.c_str(),
               error.detail.c_str(), error.hint.c_str());
  std::exit(EXIT_FAILURE);
}

template <typename T>
T take(Result<T> result) {
  if (!result) fail(result.error());
  return std::move(result).value();
}

inline std::string setting(const char* name) {
  const char* const value = std::getenv(name);
  return value == nullptr ? "" : value;
}

struct Environment {
  s3::BucketOptions options{
      setting("S3_ENDPOINT"),
      setting("AWS_REGION"),
      setting("S3_BUCKET"),
      s3::Addressing::kPath,
      {setting("AWS_ACCESS_KEY_ID"), Secret(setting("AWS_SECRET_ACCESS_KEY")), {}}};
  std::unique_ptr<http::Client> client = open_client();
  std::shared_ptr<const s3::Bucket> bucket = take(s3::Bucket::open(options, *client));

  // Below S3_FOLDER.
  std::unique_ptr<S3Store> open_folder(const std::string& name) const {
    const std::string folder = setting("S3_FOLDER");
    return take(S3Store::open_folder(bucket, name.empty() ? folder : folder + '/' + name));
  }

 private:
  static std::unique_ptr<http::Client> open_client() {
    http::ClientOptions client_options;
    client_options.allowed_private_hosts = {"127.0.0.1"};
    client_options.first_backoff = std::chrono::milliseconds(10);
    client_options.max_backoff = std::chrono::milliseconds(50);
    client_options.idle_timeout = std::chrono::milliseconds(2000);
    return take(http::Client::create(std::move(client_options)));
  }
};

}  // namespace lakehouse::delta::test
