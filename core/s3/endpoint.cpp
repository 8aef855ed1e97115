// SPDX-License-Identifier: PostgreSQL
// Parses what an operator wrote; the client parses the finished URL once more.
#include "core/s3/endpoint.hpp"

#include <algorithm>

namespace lakehouse::s3 {
namespace {

constexpr std::string_view kHttps = "https://";
constexpr std::string_view kHttp = "http://";

bool may_stand_in_host(char letter) {
  return (letter >= 'a' && letter <= 'z') || (letter >= '0' && letter <= '9') || letter == '.' ||
         letter == '-' || letter == ':' || letter == '[' || letter == ']';
}

std::string_view method_name(http::Method method) {
  switch (method) {
    case http::Method::kGet:
      return "GET";
    case http::Method::kPut:
      return "PUT";
    case http::Method::kPost:
      return "POST";
    case http::Method::kDelete:
      return "DELETE";
  }
  return "";
}

}  // namespace

Result<Endpoint> Endpoint::parse(std::string_view url) {
  const bool is_https = url.starts_with(kHttps);
  const std::string_view scheme = is_https ? kHttps : kHttp;
  std::string host(url.starts_with(scheme) ? url.substr(scheme.size()) : "");
  if (host.ends_with('/')) host.pop_back();
  for (char& letter : host) {
    if (letter >= 'A' && letter <= 'Z') letter = static_cast<char>(letter - 'A' + 'a');
  }
  const std::string_view own_port = is_https ? ":443" : ":80";
  if (host.ends_with(own_port)) host.resize(host.size() - own_port.size());
  if (host.empty() || !std::ranges::all_of(host, may_stand_in_host)) {
    return Error{ErrorCode::kInvalidArgument, "malformed endpoint of an object store",
                 "It has a scheme, a host and perhaps a port, such as "
                 "\"https://s3.eu-west-1.amazonaws.com\".",
                 ""};
  }
  return Endpoint(std::string(scheme), std::move(host));
}

Endpoint Endpoint::below(std::string_view name) const {
  return {scheme_, std::string(name) + '.' + host_};
}

Result<http::Request> Endpoint::sign(http::Request request, const std::string& path,
                                     const std::vector<Parameter>& query,
                                     const Credentials& credentials, const Scope& scope,
                                     Time now) const {
  Canonical canonical{std::string(method_name(request.method)), path, query, request.headers,
                      hash_of(request.body)};
  std::vector<http::Header> added = {{"x-amz-content-sha256", canonical.payload_hash},
                                     {"x-amz-date", to_timestamp(now)}};
  if (!credentials.session_token.is_empty()) {
    added.push_back({"x-amz-security-token", std::string(credentials.session_token.reveal())});
  }
  canonical.headers.push_back({"host", host_});
  canonical.headers.insert(canonical.headers.end(), added.begin(), added.end());
  auto value = authorization(canonical, credentials, scope, now);
  if (!value) return std::move(value).error();
  request.headers.insert(request.headers.end(), added.begin(), added.end());
  request.headers.push_back({"Authorization", *std::move(value)});
  // Not signed: proxies change it. An encoded body would not have the length that was asked for.
  request.headers.push_back({"Accept-Encoding", "identity"});
  request.url = url() + path;
  if (!query.empty()) request.url += '?' + encode_query(query);
  return request;
}

}  // namespace lakehouse::s3
