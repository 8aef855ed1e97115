// SPDX-License-Identifier: PostgreSQL
// /oauth/token: a code or a refresh token for an access token. No other grant is spoken here: not
// implicit, not the user's password, not the client's own.
#include "worker/json/text.hpp"
#include "worker/oauth/answer.hpp"
#include "worker/oauth/parameters.hpp"
#include "worker/oauth/pkce.hpp"
#include "worker/oauth/scope.hpp"
#include "worker/oauth/server.hpp"
#include "worker/oauth/token.hpp"

namespace lakehouse::worker::oauth {
namespace {

struct Pair {
  Token access, refresh;
  Store::Hashes hashes() const { return {access.hash, refresh.hash}; }
};

Result<Pair> make_pair() {
  auto access = make_token(kAccessTokenPrefix);
  if (!access) return access.error();
  auto refresh = make_token(kRefreshTokenPrefix);
  if (!refresh) return refresh.error();
  return Pair{*std::move(access), *std::move(refresh)};
}

http::Response issued(const Pair& pair, const Store::Issued& answer) {
  std::string body = "{\"access_token\":" + json::quoted(pair.access.text.reveal()) +
                     ",\"token_type\":\"Bearer\",\"expires_in\":" + std::to_string(kAccessSeconds) +
                     ",\"scope\":" + json::quoted(answer.scope);
  if (answer.has_refresh_token) {
    body += ",\"refresh_token\":" + json::quoted(pair.refresh.text.reveal());
  }
  return json_answer(200, body + "}\n");
}

http::Response refusal(std::string_view outcome) {
  if (outcome == "other_resource") {
    return json_error(400, "invalid_target", "resource is not the one the user agreed to");
  }
  if (outcome == "wider_scope") {
    return json_error(400, "invalid_scope", "a refreshed token can't have more scopes");
  }
  return json_error(400, "invalid_grant",
                    "the code or token is unknown, expired, used, or another client's, or its "
                    "redirect_uri or code_verifier does not fit");
}

}  // namespace

http::Response Server::token(const http::Request& request, const Context& context) {
  const auto form = http::read_form(request);
  if (!form) return json_error(400, "invalid_request", "the body is no form");
  if (has_repeated(*form)) {
    return json_error(400, "invalid_request", "a parameter stands there twice");
  }
  const auto client = authenticate(request, *form, context);
  if (const auto* refused = std::get_if<http::Response>(&client)) return *refused;

  const Issuer issuer = issuer_of(url_, request);
  const std::string_view grant_type = form->value("grant_type");
  if (grant_type.empty()) return json_error(400, "invalid_request", "grant_type is missing");
  if (grant_type != "authorization_code" && grant_type != "refresh_token") {
    return json_error(400, "unsupported_grant_type",
                      "grant types are authorization_code and refresh_token");
  }
  if (!names_only_ours(*form, issuer)) {
    return json_error(400, "invalid_target", "resource is not an MCP server of here");
  }
  forget_leftovers(context);
  return grant_type == "refresh_token"
             ? refresh(std::get<Client>(client), *form, issuer, context)
             : redeem_code(std::get<Client>(client), *form, issuer, context);
}

http::Response Server::redeem_code(const Client& client, const http::Form& form,
                                   const Issuer& issuer, const Context& context) {
  const std::string_view verifier = form.value("code_verifier");
  if (form.value("code").empty()) return json_error(400, "invalid_request", "code is missing");
  if (form.value("redirect_uri").empty()) {
    return json_error(400, "invalid_request", "redirect_uri is missing");
  }
  if (!is_verifier(verifier)) {
    return json_error(400, "invalid_request", "code_verifier is missing or malformed");
  }
  const auto pair = make_pair();
  if (!pair) return answer_of(pair.error(), context);
  const Store::CodeClaim claim{hash_of(form.value("code")), client.id,
                               std::string(form.value("redirect_uri")), challenge_of(verifier),
                               issuer.resource()};
  const auto answer = store_.redeem_code(claim, pair->hashes(), context);
  if (!answer) return answer_of(answer.error(), context);
  if (answer->outcome == "ok") return issued(*pair, *answer);
  log_.write(
      LogLevel::kWarning, "authorization code refused", context.request_id,
      {{"client_id", std::string_view(client.id)}, {"outcome", std::string_view(answer->outcome)}});
  return refusal(answer->outcome);
}

http::Response Server::refresh(const Client& client, const http::Form& form, const Issuer& issuer,
                               const Context& context) {
  const std::string_view token = form.value("refresh_token");
  if (token.empty()) return json_error(400, "invalid_request", "refresh_token is missing");
  if (!is_credential(token, kRefreshTokenPrefix)) return refusal("unknown");
  const auto pair = make_pair();
  if (!pair) return answer_of(pair.error(), context);
  Store::RefreshClaim claim{hash_of(token), client.id, std::nullopt, issuer.resource()};
  const auto scopes = split_scopes(form.value("scope"));
  if (!scopes.empty()) claim.scope = join_scopes(scopes);
  const auto answer = store_.rotate_token(claim, pair->hashes(), context);
  if (!answer) return answer_of(answer.error(), context);
  if (answer->outcome == "ok") return issued(*pair, *answer);
  log_.write(
      LogLevel::kWarning, "refresh token refused", context.request_id,
      {{"client_id", std::string_view(client.id)}, {"outcome", std::string_view(answer->outcome)}});
  return refusal(answer->outcome);
}

}  // namespace lakehouse::worker::oauth
