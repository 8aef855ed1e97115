// SPDX-License-Identifier: PostgreSQL
// RFC 6750, sections 2.1 and 3: the token is in the Authorization header, the challenge says why.
#include "worker/oauth/database_gate.hpp"

#include <algorithm>

#include "core/base/credential.hpp"
#include "worker/oauth/credentials.hpp"
#include "worker/oauth/issuer.hpp"
#include "worker/oauth/scope.hpp"
#include "worker/oauth/token.hpp"

namespace lakehouse::worker::oauth {
namespace {

using db::Value;

constexpr const char* kAdmit =
    "SELECT outcome, coalesce(wait_ms, 0), coalesce(client_id, ''), coalesce(client_name, ''), "
    "coalesce(tenant_id, ''), coalesce(tenant, ''), coalesce(user_id, ''), coalesce(email, ''), "
    "coalesce(full_name, ''), coalesce(role, ''), coalesce(scope, ''), coalesce(resource, ''), "
    "coalesce(token_id, 0), coalesce(expires_at, 0) FROM lakehouse.admit($1)";

struct Admission {
  std::string outcome, resource;
  std::int64_t wait_ms = 0;
  Identity identity;
};

Result<Admission> ask(db::Pool& pool, std::string_view token, const Context& context) {
  auto rows = pool.query({kAdmit, {Value::bytes(hash_of(token))}, "admit"}, context);
  if (!rows) return rows.error();
  db::Row row = rows->row(0);
  Admission admission;
  Identity& identity = admission.identity;
  admission.outcome = row.text();
  admission.wait_ms = row.integer();
  identity.client_id = row.text();
  identity.client_name = row.text();
  identity.tenant_id = row.text();
  identity.tenant = row.text();
  identity.user_id = row.text();
  identity.email = row.text();
  identity.full_name = row.text();
  identity.role = row.text();
  identity.scopes = split_scopes(row.text());
  admission.resource = row.text();
  identity.token_id = row.integer();
  identity.expires_at = row.integer();
  if (Status sound = row.finish(); !sound) return sound.error();
  return admission;
}

// The parameters of a challenge, of text that needs no escape.
std::string challenge(const http::Request& request, const Issuer& issuer,
                      const std::vector<std::string>& scopes, std::string_view error,
                      std::string_view description) {
  std::string text = "Bearer resource_metadata=\"" + issuer.resource_metadata(request.path) + "\"";
  if (!scopes.empty()) text += ", scope=\"" + join_scopes(scopes) + "\"";
  if (!error.empty()) {
    text += ", error=\"" + std::string(error) + "\", error_description=\"" +
            std::string(description) + "\"";
  }
  return text;
}

http::Response refusal(int status, std::string_view code, std::string_view message,
                       std::string challenge) {
  http::Response response = http::problem(status, code, message);
  response.headers = {{"WWW-Authenticate", std::move(challenge)}, {"Cache-Control", "no-store"}};
  return response;
}

http::Response limited(std::int64_t wait_ms) {
  const std::string seconds = std::to_string(std::max<std::int64_t>(1, (wait_ms + 999) / 1000));
  http::Response response =
      http::problem(429, "RATE_LIMITED", "too many requests", "Retry after " + seconds + " s.");
  response.headers = {{"Retry-After", seconds}, {"Cache-Control", "no-store"}};
  return response;
}

}  // namespace

std::variant<Identity, http::Response> DatabaseGate::admit(const http::Request& request,
                                                           const std::vector<std::string>& asked,
                                                           const Context& context) {
  const Issuer issuer = issuer_of(url_, request);
  const BearerToken presented = read_bearer(request);
  if (presented.presence == Presence::kMalformed) {
    return refusal(400, "INVALID_ARGUMENT",
                   "the access token belongs into one Authorization header",
                   challenge(request, issuer, asked, "invalid_request", "malformed token"));
  }
  if (presented.presence == Presence::kNone) {
    return refusal(401, "UNAUTHENTICATED", "an access token is needed",
                   challenge(request, issuer, asked, "", ""));
  }
  http::Response invalid =
      refusal(401, "UNAUTHENTICATED", "the access token is not valid",
              challenge(request, issuer, asked, "invalid_token", "expired, revoked or unknown"));
  if (!is_credential(presented.token, kAccessTokenPrefix)) return invalid;

  auto admission = ask(pool_, presented.token, context);
  if (!admission) {
    log_.failure("access token could not be checked", admission.error(), context.request_id);
    http::Response response =
        http::problem(503, "UNAVAILABLE", "the database can't be reached; try again later");
    response.headers = {{"Retry-After", "5"}};
    return response;
  }
  if (admission->outcome == "limited") return limited(admission->wait_ms);
  if (admission->outcome != "admitted" || admission->resource != issuer.resource()) return invalid;
  return std::move(admission->identity);
}

void DatabaseGate::warm_up(const Context& context) { (void)ask(pool_, "", context); }

http::Response DatabaseGate::insufficient_scope(const http::Request& request,
                                                const std::vector<std::string>& needed) const {
  return refusal(403, "FORBIDDEN", "the access token lacks a scope: " + join_scopes(needed),
                 challenge(request, issuer_of(url_, request), needed, "insufficient_scope",
                           "the operation needs more scopes"));
}

}  // namespace lakehouse::worker::oauth
