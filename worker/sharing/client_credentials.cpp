// SPDX-License-Identifier: PostgreSQL
// The token endpoint of recipients with client credentials (RFC 6749, section 4.4): an access token
// of an hour for id and secret, in the Authorization header or in the form. It is not the
// authorization server of worker/oauth: no user, no scope, other tokens.
#include "worker/http/form.hpp"
#include "worker/json/text.hpp"
#include "worker/oauth/answer.hpp"
#include "worker/oauth/credentials.hpp"
#include "worker/oauth/token.hpp"
#include "worker/sharing/server.hpp"

namespace lakehouse::worker::sharing {
namespace {

http::Response invalid_client() {
  http::Response response =
      oauth::json_error(401, "invalid_client", "client authentication failed");
  response.headers.push_back({"WWW-Authenticate", "Basic realm=\"delta-sharing\""});
  return response;
}

bool is_uuid(std::string_view text) {
  constexpr std::string_view kShape = "00000000-0000-0000-0000-000000000000";
  if (text.size() != kShape.size()) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool is_digit = (text[i] >= '0' && text[i] <= '9') || (text[i] >= 'a' && text[i] <= 'f');
    if (kShape[i] == '-' ? text[i] != '-' : !is_digit) return false;
  }
  return true;
}

std::optional<oauth::ClientCredentials> presented_by(const http::Request& request,
                                                     const http::Form& form) {
  if (!request.header("authorization").empty()) {
    return oauth::read_basic(request.header("authorization"));
  }
  return oauth::ClientCredentials{std::string(form.value("client_id")),
                                  std::string(form.value("client_secret"))};
}

}  // namespace

http::Response Server::token(const http::Request& request, const Context& context) {
  const auto form = http::read_form(request);
  if (!form || !form->repeated().empty()) {
    return oauth::json_error(400, "invalid_request", "the body is no form");
  }
  if (form->value("grant_type") != "client_credentials") {
    return oauth::json_error(400, "unsupported_grant_type", "grant_type is client_credentials");
  }
  const auto client = presented_by(request, *form);
  if (!client || !is_uuid(client->id)) return invalid_client();
  const auto made = oauth::make_token(kRecipientTokenPrefix);
  if (!made) return failed(made.error(), context);
  const auto issue = store_.issue_token(client->id, oauth::hash_of(client->secret.value_or("")),
                                        made->hash, request.client_address, context);
  if (!issue) return failed(issue.error(), context);
  if (issue->outcome == "locked") return oauth::too_many_attempts(issue->retry_seconds);
  if (issue->outcome == "network") {
    return oauth::json_error(403, "access_denied", "this client may not ask from this address");
  }
  if (issue->outcome != "issued") return invalid_client();
  return oauth::json_answer(200, "{\"access_token\":" + json::quoted(made->text.reveal()) +
                                     ",\"token_type\":\"Bearer\",\"expires_in\":" +
                                     std::to_string(kAccessSeconds) + "}\n");
}

}  // namespace lakehouse::worker::sharing
