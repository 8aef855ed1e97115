// SPDX-License-Identifier: PostgreSQL
// Headers and bodies.
#include "worker/oauth/answer.hpp"

#include "worker/json/text.hpp"
#include "worker/oauth/redirect_uri.hpp"

namespace lakehouse::worker::oauth {

http::Response json_answer(int status, std::string body) {
  http::Response response;
  response.status = status;
  response.headers = {{"Cache-Control", "no-store"}, {"Pragma", "no-cache"}};
  response.body = std::move(body);
  return response;
}

http::Response json_error(int status, std::string_view error, std::string_view description) {
  return json_answer(status, "{\"error\":" + json::quoted(error) +
                                 ",\"error_description\":" + json::quoted(description) + "}\n");
}

http::Response unavailable() {
  http::Response response =
      json_error(503, "temporarily_unavailable", "the database can't be reached; try again later");
  response.headers.push_back({"Retry-After", "5"});
  return response;
}

http::Response too_many_attempts(std::int64_t retry_seconds) {
  http::Response response = json_error(429, "temporarily_unavailable",
                                       "too many failed attempts; wait as Retry-After says");
  response.headers.push_back({"Retry-After", std::to_string(retry_seconds)});
  return response;
}

http::Response see_other(std::string location) {
  http::Response response;
  response.status = 303;
  response.content_type = "text/plain; charset=utf-8";
  response.headers = {{"Location", std::move(location)},
                      {"Cache-Control", "no-store"},
                      {"Referrer-Policy", "no-referrer"}};
  return response;
}

http::Response return_to(const Return& where, const Issuer& issuer, http::Form parameters) {
  if (where.state) parameters.add("state", *where.state);
  parameters.add("iss", issuer.origin);
  return see_other(with_parameters(where.redirect_uri, parameters));
}

http::Response return_error(const Return& where, const Issuer& issuer, std::string_view error,
                            std::string_view description) {
  http::Form parameters;
  parameters.add("error", std::string(error));
  parameters.add("error_description", std::string(description));
  return return_to(where, issuer, std::move(parameters));
}

}  // namespace lakehouse::worker::oauth
