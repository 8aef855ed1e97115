// SPDX-License-Identifier: PostgreSQL
// /oauth/register (RFC 7591). Off unless lakehouse.oauth_dynamic_registration is on; limited by the
// database. What a client gets is never more than what it is told back.
#include <chrono>

#include "worker/json/text.hpp"
#include "worker/json/value.hpp"
#include "worker/oauth/answer.hpp"
#include "worker/oauth/client_metadata.hpp"
#include "worker/oauth/scope.hpp"
#include "worker/oauth/server.hpp"
#include "worker/oauth/token.hpp"

namespace lakehouse::worker::oauth {
namespace {

http::Response registered(const Client& client, std::string_view method, const Token* secret) {
  const auto now = std::chrono::duration_cast<std::chrono::seconds>(
      std::chrono::system_clock::now().time_since_epoch());
  std::string body = "{\"client_id\":" + json::quoted(client.id) +
                     ",\"client_id_issued_at\":" + std::to_string(now.count()) +
                     ",\"client_name\":" + json::quoted(client.name) +
                     ",\"redirect_uris\":" + json::strings(client.redirect_uris) +
                     ",\"grant_types\":[\"authorization_code\"],\"response_types\":[\"code\"]"
                     ",\"token_endpoint_auth_method\":" +
                     json::quoted(method) +
                     ",\"scope\":" + json::quoted(join_scopes(client.scopes));
  if (secret != nullptr) {
    body += ",\"client_secret\":" + json::quoted(secret->text.reveal()) +
            ",\"client_secret_expires_at\":0";
  }
  return json_answer(201, body + "}\n");
}

http::Response bad_metadata(std::string_view description) {
  return json_error(400, "invalid_client_metadata", description);
}

http::Response refused(std::string_view refusal) {
  if (refusal == "off") {
    return json_error(403, "access_denied", "clients can't register themselves here");
  }
  http::Response response =
      json_error(429, "temporarily_unavailable", "too many clients were registered lately");
  response.headers.push_back({"Retry-After", "3600"});
  return response;
}

}  // namespace

http::Response Server::register_client(const http::Request& request, const Context& context) {
  const auto parsed = json::parse(request.body);
  if (!parsed || !parsed->is(json::Value::Kind::kObject)) {
    return bad_metadata("the body is not a JSON object");
  }
  const json::Value& document = *parsed;
  auto redirects = redirects_of(document);
  if (!redirects) {
    return json_error(400, "invalid_redirect_uri",
                      "redirect_uris are needed: https, or http on a loopback host");
  }
  if (!has_or_lacks(document, "grant_types", "authorization_code") ||
      !has_or_lacks(document, "response_types", "code")) {
    return bad_metadata("only grant type authorization_code with response type code is supported");
  }
  const std::string method =
      std::string(document.string("token_endpoint_auth_method").value_or("client_secret_basic"));
  const bool is_public = method == "none";
  if (!is_public && method != "client_secret_basic" && method != "client_secret_post") {
    return bad_metadata("token_endpoint_auth_method is not supported");
  }

  Client client;
  client.name = shown_name(document, "Unnamed application");
  client.redirect_uris = *std::move(redirects);
  client.scopes = narrow(split_scopes(document.string("scope").value_or("")), scope_names());
  if (client.scopes.empty()) client.scopes = scope_names();
  auto secret = make_token(kClientSecretPrefix);
  if (!secret) return answer_of(secret.error(), context);
  if (!is_public) client.secret_hash = secret->hash;
  const auto answer = store_.register_client(client, request.client_address, context);
  if (!answer) return answer_of(answer.error(), context);
  if (answer->client_id.empty()) return refused(answer->refusal);
  client.id = answer->client_id;
  log_.write(LogLevel::kInfo, "oauth client registered itself", context.request_id,
             {{"client_id", std::string_view(client.id)},
              {"client_address", std::string_view(request.client_address)}});
  return registered(client, method, is_public ? nullptr : &*secret);
}

}  // namespace lakehouse::worker::oauth
