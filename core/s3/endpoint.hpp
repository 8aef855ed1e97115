// SPDX-License-Identifier: PostgreSQL
// Endpoint: a service's scheme and host, and signed requests to it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.hpp"
#include "core/http/client.hpp"
#include "core/s3/signature.hpp"

namespace lakehouse::s3 {

class Endpoint {
 public:
  // "https://host" or "https://host:port", without a path; plain http too: whether it may be called
  // is the client's policy. Errors: kInvalidArgument.
  static Result<Endpoint> parse(std::string_view url);

  // As the header Host says it: lower case, no port if it is the scheme's own.
  const std::string& host() const noexcept { return host_; }
  std::string url() const { return scheme_ + host_; }
  // The same service under the host "<name>.<host>".
  Endpoint below(std::string_view name) const;

  // Turns `request` into a signed one for `path` (encoded) and `query`. Its headers are all signed,
  // its body's hash too. Errors: kInternal.
  Result<http::Request> sign(http::Request request, const std::string& path,
                             const std::vector<Parameter>& query, const Credentials& credentials,
                             const Scope& scope, Time now) const;

 private:
  Endpoint(std::string scheme, std::string host)
      : scheme_(std::move(scheme)), host_(std::move(host)) {}

  std::string scheme_;  // with "://"
  std::string host_;
};

}  // namespace lakehouse::s3
