// SPDX-License-Identifier: PostgreSQL
// How clients prove who they are (RFC 6749, section 2.3): secret in a header or in the form, and
// nothing for clients that can keep no secret. One way in each request.
#include "worker/oauth/answer.hpp"
#include "worker/oauth/credentials.hpp"
#include "worker/oauth/server.hpp"
#include "worker/oauth/token.hpp"

namespace lakehouse::worker::oauth {
namespace {

http::Response invalid_client() {
  http::Response response = json_error(401, "invalid_client", "client authentication failed");
  response.headers.push_back({"WWW-Authenticate", "Basic realm=\"oauth\""});
  return response;
}

ClientCredentials read_form_fields(const http::Form& form) {
  ClientCredentials presented{std::string(form.value("client_id")), std::nullopt};
  if (!form.value("client_secret").empty()) {
    presented.secret = std::string(form.value("client_secret"));
  }
  return presented;
}

}  // namespace

std::variant<Client, http::Response> Server::authenticate(const http::Request& request,
                                                          const http::Form& form,
                                                          const Context& context) {
  const std::string_view header = request.header("authorization");
  std::optional<ClientCredentials> presented = read_form_fields(form);
  if (!header.empty()) {
    if (presented->secret) {
      return json_error(400, "invalid_request", "the client authenticates in two ways at once");
    }
    const std::string named = presented->id;
    presented = read_basic(header);
    if (!presented || (!named.empty() && named != presented->id)) return invalid_client();
  }
  if (presented->id.empty()) return invalid_client();

  auto client = store_.find_client(presented->id, context);
  if (!client) return answer_of(client.error(), context);
  if (!*client || (*client)->is_revoked) return invalid_client();
  if (!(*client)->has_secret()) {
    if (presented->secret.value_or("").empty()) return **std::move(client);
    return invalid_client();
  }
  return check_secret(request, **std::move(client), presented->secret.value_or(""), context);
}

std::variant<Client, http::Response> Server::check_secret(const http::Request& request,
                                                          Client client, std::string_view secret,
                                                          const Context& context) {
  const auto lock = store_.client_lock(client.id, request.client_address, context);
  if (!lock) return answer_of(lock.error(), context);
  if (*lock > 0) return too_many_attempts(*lock);
  if (is_same(hash_of(secret), client.secret_hash)) return client;

  log_.write(LogLevel::kWarning, "client authentication failed", context.request_id,
             {{"client_id", std::string_view(client.id)},
              {"client_address", std::string_view(request.client_address)}});
  const Status counted = store_.count_client_failure(client.id, request.client_address, context);
  if (!counted) return answer_of(counted.error(), context);
  return invalid_client();
}

}  // namespace lakehouse::worker::oauth
