// SPDX-License-Identifier: PostgreSQL
// Checks the options once; then each request is signed as it is sent.
#include "core/s3/bucket.hpp"

#include <algorithm>

#include "core/s3/failure.hpp"

namespace lakehouse::s3 {
namespace {

bool is_alphanumeric(char letter) {
  return (letter >= 'a' && letter <= 'z') || (letter >= '0' && letter <= '9');
}

// AWS, "General purpose bucket naming rules", as far as a URL and a signature depend on them.
bool is_bucket_name(std::string_view name) {
  return name.size() >= 3 && name.size() <= 63 && is_alphanumeric(name.front()) &&
         is_alphanumeric(name.back()) && name.find("..") == std::string_view::npos &&
         std::ranges::all_of(name, [](char letter) {
           return is_alphanumeric(letter) || letter == '-' || letter == '.';
         });
}

bool is_region(std::string_view region) {
  return !region.empty() && region.size() <= 63 && std::ranges::all_of(region, [](char letter) {
    return is_alphanumeric(letter) || letter == '-' || letter == '_';
  });
}

// What can stand in a header unchanged.
bool is_word(std::string_view text) {
  return !text.empty() &&
         std::ranges::all_of(text, [](char letter) { return letter > ' ' && letter < 0x7F; }) &&
         text.find_first_of("/,") == std::string_view::npos;
}

Error invalid(const char* what) {
  return {ErrorCode::kInvalidArgument, std::string(what) + " of an object store is malformed", "",
          "Set the store up again with lakehouse.use_s3()."};
}

}  // namespace

Result<std::shared_ptr<const Bucket>> Bucket::open(BucketOptions options, http::Client& client) {
  if (!is_bucket_name(options.name)) return invalid("bucket");
  if (!is_region(options.region)) return invalid("region");
  if (!is_word(options.credentials.access_key_id)) return invalid("access key id");
  if (options.credentials.secret_access_key.is_empty()) return invalid("secret access key");
  auto endpoint = Endpoint::parse(options.endpoint);
  if (!endpoint) return std::move(endpoint).error();
  if (options.addressing == Addressing::kVirtualHost) endpoint = endpoint->below(options.name);
  return std::shared_ptr<const Bucket>(
      new Bucket(std::move(options), *std::move(endpoint), client));
}

std::string Bucket::path_of(std::string_view key) const {
  const bool is_in_path = options_.addressing == Addressing::kPath;
  std::string path = is_in_path ? '/' + options_.name : "";
  if (!key.empty() || path.empty()) path += '/' + encode_path(key);
  return path;
}

Result<http::Response> Bucket::send(ObjectRequest request, const Context& context) const {
  http::Request sent;
  sent.method = request.method;
  sent.headers = std::move(request.headers);
  sent.body = std::move(request.body);
  sent.retry = request.retry;
  sent.max_body_bytes = request.max_body_bytes;
  auto signed_request =
      endpoint_.sign(std::move(sent), path_of(request.key), request.query, options_.credentials,
                     scope(), std::chrono::system_clock::now());
  if (!signed_request) return std::move(signed_request).error();
  auto response = client_.send(*std::move(signed_request), context);
  if (!response) return failure_of(std::move(response).error(), context);
  return response;
}

Result<std::string> Bucket::presign(SignedMethod method, std::string_view key,
                                    std::chrono::seconds lifetime, Time now) const {
  const std::string path = path_of(key);
  Canonical request{method == SignedMethod::kGet ? "GET" : "HEAD",
                    path,
                    {},
                    {{"host", endpoint_.host()}},
                    std::string(kUnsignedPayload)};
  auto query = signed_query(std::move(request), options_.credentials, scope(), now, lifetime);
  if (!query) return query;
  return endpoint_.url() + path + '?' + *query;
}

}  // namespace lakehouse::s3
