// SPDX-License-Identifier: PostgreSQL
// Clients repeat what is answered with 5xx, so that is for what may pass.
#include "worker/sharing/answer.hpp"

#include "worker/json/text.hpp"

namespace lakehouse::worker::sharing {
namespace {

constexpr const char* kVersionHeader = "Delta-Table-Version";

std::string body_of(std::string_view code, std::string_view message) {
  return "{\"errorCode\":" + json::quoted(code) + ",\"message\":" + json::quoted(message) + "}\n";
}

}  // namespace

std::string error_body(const http::Problem& problem) {
  if (problem.code == "NOT_FOUND") return body_of("RESOURCE_DOES_NOT_EXIST", problem.message);
  if (problem.code == "BAD_REQUEST") return body_of("MALFORMED_REQUEST", problem.message);
  return body_of(problem.code, problem.message);
}

http::Response refusal(int status, std::string_view code, std::string_view message) {
  http::Response response = json(body_of(code, message));
  response.status = status;
  return response;
}

http::Response invalid_value(std::string_view message) {
  return refusal(400, "INVALID_PARAMETER_VALUE", message);
}

http::Response malformed(std::string_view message) {
  return refusal(400, "MALFORMED_REQUEST", message);
}

http::Response unsupported(std::string_view message) {
  return refusal(400, "UNSUPPORTED_OPERATION", message);
}

http::Response not_found(std::string_view message) {
  return refusal(404, "RESOURCE_DOES_NOT_EXIST", message);
}

http::Response forbidden(std::string_view message) {
  return refusal(403, "PERMISSION_DENIED", message);
}

http::Response unauthenticated(bool has_token) {
  http::Response response = refusal(
      401, "UNAUTHENTICATED",
      has_token ? "the bearer token is unknown, expired or revoked" : "a bearer token is needed");
  response.headers.push_back(
      {"WWW-Authenticate", has_token ? "Bearer realm=\"delta-sharing\", error=\"invalid_token\""
                                     : "Bearer realm=\"delta-sharing\""});
  return response;
}

http::Response limited(std::int64_t wait_ms) {
  http::Response response = refusal(429, "RATE_LIMITED", "too many requests; try again later");
  response.headers.push_back({"Retry-After", std::to_string((wait_ms + 999) / 1000)});
  return response;
}

http::Response unavailable() {
  http::Response response =
      refusal(503, "TEMPORARILY_UNAVAILABLE", "the server can't answer just now; try again later");
  response.headers.push_back({"Retry-After", "5"});
  return response;
}

http::Response json(std::string body) {
  http::Response response;
  response.content_type = "application/json; charset=utf-8";
  response.headers = {{"Cache-Control", "no-store"}};
  response.body = std::move(body);
  return response;
}

http::Response version_answer(std::int64_t version) {
  http::Response response = json("");
  response.headers.push_back({kVersionHeader, std::to_string(version)});
  return response;
}

http::Response lines_answer(std::string lines, std::int64_t version, std::string capabilities) {
  http::Response response = json(std::move(lines));
  response.content_type = "application/x-ndjson; charset=utf-8";
  response.headers.push_back({kVersionHeader, std::to_string(version)});
  response.headers.push_back({"delta-sharing-capabilities", std::move(capabilities)});
  return response;
}

}  // namespace lakehouse::worker::sharing
