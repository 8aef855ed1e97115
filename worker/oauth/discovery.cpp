// SPDX-License-Identifier: PostgreSQL
// What clients learn before they have anything: the metadata of the authorization server (RFC 8414)
// and of the MCP server (RFC 9728). There is no OpenID Connect document: no ID token is made here.
#include "worker/json/text.hpp"
#include "worker/json/value.hpp"
#include "worker/oauth/answer.hpp"
#include "worker/oauth/scope.hpp"
#include "worker/oauth/server.hpp"

namespace lakehouse::worker::oauth {
namespace {

http::Response document(std::string body) {
  http::Response response;
  response.headers = {{"Cache-Control", "public, max-age=300"}};
  response.body = std::move(body);
  return response;
}

}  // namespace

http::Response Server::server_metadata(const http::Request& request, const Context& context) {
  const std::string origin = issuer_of(url_, request).origin;
  const auto is_registration_on = store_.is_registration_on(context);
  if (!is_registration_on) return answer_of(is_registration_on.error(), context);
  const auto endpoint = [&origin](std::string_view name, std::string_view path) {
    return ",\"" + std::string(name) + "\":" + json::quoted(origin + std::string(path));
  };
  const std::string methods = R"(["client_secret_basic","client_secret_post","none"])";
  std::string body = "{\"issuer\":" + json::quoted(origin);
  body += endpoint("authorization_endpoint", "/oauth/authorize");
  body += endpoint("token_endpoint", "/oauth/token");
  body += endpoint("revocation_endpoint", "/oauth/revoke");
  if (*is_registration_on) body += endpoint("registration_endpoint", "/oauth/register");
  body += ",\"scopes_supported\":" + json::strings(scope_names());
  body += R"(,"response_types_supported":["code"],"response_modes_supported":["query"])";
  body += R"(,"grant_types_supported":["authorization_code","refresh_token"])";
  body += R"(,"code_challenge_methods_supported":["S256"])";
  body += ",\"token_endpoint_auth_methods_supported\":" + methods;
  body += ",\"revocation_endpoint_auth_methods_supported\":" + methods;
  body += R"(,"authorization_response_iss_parameter_supported":true)";
  body += R"(,"client_id_metadata_document_supported":true})";
  return document(body + "\n");
}

http::Response Server::resource_metadata(const http::Request& request, std::string_view path) {
  const Issuer issuer = issuer_of(url_, request);
  return document("{\"resource\":" + json::quoted(issuer.origin + std::string(path)) +
                  ",\"authorization_servers\":[" + json::quoted(issuer.origin) +
                  "],\"scopes_supported\":" + json::strings(scope_names()) +
                  ",\"bearer_methods_supported\":[\"header\"]"
                  ",\"resource_name\":\"Lakehouse CRM\"}\n");
}

}  // namespace lakehouse::worker::oauth
