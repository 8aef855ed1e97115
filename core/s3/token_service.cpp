// SPDX-License-Identifier: PostgreSQL
// AssumeRole as a form by POST, signed like any request.
#include "core/s3/token_service.hpp"

#include "core/base/json_text.hpp"
#include "core/s3/endpoint.hpp"
#include "core/s3/failure.hpp"

namespace lakehouse::s3 {
namespace {

constexpr std::size_t kMostAnswerBytes = 64U << 10U;

bool is_chinese(std::string_view region) { return region.starts_with("cn-"); }

std::string_view partition_of(std::string_view region) {
  if (is_chinese(region)) return "aws-cn";
  return region.starts_with("us-gov-") ? "aws-us-gov" : "aws";
}

http::Request form_of(const RoleRequest& role) {
  http::Request request;
  request.method = http::Method::kPost;
  request.headers = {{"Content-Type", "application/x-www-form-urlencoded; charset=utf-8"}};
  request.body = encode_query({{"Action", "AssumeRole"},
                               {"Version", "2011-06-15"},
                               {"RoleArn", role.role_arn},
                               {"RoleSessionName", role.session_name},
                               {"DurationSeconds", std::to_string(role.lifetime.count())},
                               {"Policy", role.policy}});
  request.retry = http::Retry::kIdempotent;  // a second session does no harm
  request.max_body_bytes = kMostAnswerBytes;
  return request;
}

}  // namespace

std::string token_endpoint(const std::string& store_endpoint, const std::string& region) {
  const std::string domain = region + (is_chinese(region) ? ".amazonaws.com.cn" : ".amazonaws.com");
  const bool is_aws = store_endpoint == "https://s3." + domain;
  return is_aws ? "https://sts." + domain : store_endpoint;
}

Result<Session> assume_role(const RoleRequest& role, const std::string& endpoint,
                            const std::string& region, const Credentials& credentials,
                            http::Client& client, const Context& context) {
  auto service = Endpoint::parse(endpoint);
  if (!service) return std::move(service).error();
  auto request = service->sign(form_of(role), "/", {}, credentials, {region, "sts"},
                               std::chrono::system_clock::now());
  if (!request) return std::move(request).error();
  auto response = client.send(*std::move(request), context);
  if (!response) return failure_of(std::move(response).error(), context);
  if (response->status != 200) return failure_of(*response);
  auto session = read_session(response->body);
  Secret::wipe(response->body);
  if (!session) return failure_of(std::move(session).error(), context);
  return session;
}

Result<std::string> read_policy(const std::string& bucket, std::string_view folder,
                                const std::string& region) {
  if (folder.empty() || folder.find_first_of("*?$") != std::string_view::npos) {
    return Error{ErrorCode::kInvalidArgument, "folder can't be named in a policy",
                 "It is empty or has \"*\", \"?\" or \"$\" in it.", ""};
  }
  const auto quoted = [](const std::string& text) {
    std::string json;
    append_json_string(json, text);
    return json;
  };
  const std::string arn = "arn:" + std::string(partition_of(region)) + ":s3:::" + bucket;
  const std::string below = std::string(folder) + "/*";
  return R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":)" +
         quoted(arn + '/' + below) + R"(},{"Effect":"Allow","Action":"s3:ListBucket","Resource":)" +
         quoted(arn) + R"(,"Condition":{"StringLike":{"s3:prefix":)" + quoted(below) + "}}}]}";
}

}  // namespace lakehouse::s3
