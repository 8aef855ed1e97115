// SPDX-License-Identifier: PostgreSQL
// The activation link: GET shows a page, POST hands out the profile, once. So programs that preview
// links use none up. Profiles of version 1 hold a token, of version 2 client credentials.
#include "core/base/credential.hpp"
#include "worker/json/text.hpp"
#include "worker/oauth/token.hpp"
#include "worker/sharing/page.hpp"
#include "worker/sharing/server.hpp"
#include "worker/sharing/timestamp.hpp"

namespace lakehouse::worker::sharing {
namespace {

http::Response dead_link(const http::Request& request) {
  const bool is_browser = request.header("accept").find("text/html") != std::string_view::npos;
  return is_browser ? dead_link_page()
                    : not_found("the link is unknown, used or too old; ask for another");
}

// Clients refuse version 2 with a bearer token.
std::string token_profile(const std::string& endpoint, const oauth::Token& token,
                          std::int64_t expires_at) {
  std::string profile = "{\"shareCredentialsVersion\":1,\"endpoint\":" + json::quoted(endpoint) +
                        ",\"bearerToken\":" + json::quoted(token.text.reveal());
  if (expires_at > 0) {
    profile += ",\"expirationTime\":" + json::quoted(timestamp_text(expires_at));
  }
  return profile + "}\n";
}

std::string client_profile(const std::string& endpoint, const std::string& client_id,
                           const oauth::Token& secret) {
  return "{\"shareCredentialsVersion\":2,\"type\":\"oauth_client_credentials\",\"endpoint\":" +
         json::quoted(endpoint) + ",\"tokenEndpoint\":" + json::quoted(endpoint + "/oauth/token") +
         ",\"clientId\":" + json::quoted(client_id) +
         ",\"clientSecret\":" + json::quoted(secret.text.reveal()) + "}\n";
}

}  // namespace

http::Response Server::show_activation(const http::Request& request, const Context&) {
  return is_credential(request.parameters[0], kActivationPrefix) ? activation_page()
                                                                 : dead_link(request);
}

http::Response Server::activate(const http::Request& request, const Context& context) {
  if (!is_credential(request.parameters[0], kActivationPrefix)) return dead_link(request);
  const auto token = oauth::make_token(kRecipientTokenPrefix);
  if (!token) return failed(token.error(), context);
  const auto secret = oauth::make_token(kClientSecretPrefix);
  if (!secret) return failed(secret.error(), context);
  const auto activated =
      store_.activate(oauth::hash_of(request.parameters[0]), token->hash, secret->hash, context);
  if (!activated) return failed(activated.error(), context);
  if (activated->auth.empty()) return dead_link(request);
  http::Response response =
      json(activated->auth == "oauth" ? client_profile(url_.text(), activated->client_id, *secret)
                                      : token_profile(url_.text(), *token, activated->expires_at));
  response.headers.push_back({"Content-Disposition", "attachment; filename=\"config.share\""});
  return response;
}

}  // namespace lakehouse::worker::sharing
