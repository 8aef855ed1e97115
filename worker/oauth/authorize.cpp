// SPDX-License-Identifier: PostgreSQL
// /oauth/authorize. Until client and redirect URI are known to belong together, every error is a
// page: whoever redirects before that sends users wherever a link says (RFC 9700, section 4.11).
#include <algorithm>

#include "worker/oauth/answer.hpp"
#include "worker/oauth/browser.hpp"
#include "worker/oauth/page.hpp"
#include "worker/oauth/pkce.hpp"
#include "worker/oauth/redirect_uri.hpp"
#include "worker/oauth/scope.hpp"
#include "worker/oauth/server.hpp"
#include "worker/oauth/token.hpp"

namespace lakehouse::worker::oauth {
namespace {

constexpr std::size_t kLongestState = 4096;
constexpr std::string_view kBadLink =
    "The link that brought you here is not one this server can follow. Go back to the application "
    "and start again; if that does not help, tell its maker.";

http::Response bad_link() { return error_page(400, "This link does not work", kBadLink); }

http::Response unknown_client() {
  return error_page(400, "Unknown application",
                    "The application that sent you here is not known, or no longer allowed. "
                    "Nothing was shared with it.");
}

// What an error redirect says: `error` is empty if the request is sound.
struct Verdict {
  std::string_view error, description;
};

bool is_repeated(const http::Form& form, std::string_view name) {
  return std::ranges::count(form.fields(), name, &http::Form::Field::name) > 1;
}

// RFC 6749, section 3.1; RFC 8707 alone lets `resource` come several times.
bool has_repeated(const http::Form& form) {
  return std::ranges::any_of(form.fields(), [&](const http::Form::Field& field) {
    return field.name != "resource" && is_repeated(form, field.name);
  });
}

bool is_ours(const http::Form& form, const Issuer& issuer) {
  return std::ranges::all_of(form.fields(), [&](const http::Form::Field& field) {
    return field.name != "resource" || issuer.is_resource(field.value);
  });
}

Verdict judge(const http::Form& form, const Issuer& issuer) {
  if (has_repeated(form)) return {"invalid_request", "a parameter stands there twice"};
  if (form.value("response_type").empty()) return {"invalid_request", "response_type is missing"};
  if (form.value("response_type") != "code") {
    return {"unsupported_response_type", "only response_type code is supported"};
  }
  if (form.has("request")) return {"request_not_supported", "request objects are not supported"};
  if (form.has("request_uri")) return {"request_uri_not_supported", "request_uri is not supported"};
  if (form.has("response_mode") && form.value("response_mode") != "query") {
    return {"invalid_request", "only response_mode query is supported"};
  }
  if (!is_challenge(form.value("code_challenge"))) {
    return {"invalid_request", "a code_challenge is needed: 43 characters of base64url (PKCE)"};
  }
  if (form.value("code_challenge_method") != "S256") {
    return {"invalid_request", "code_challenge_method must be S256"};
  }
  if (!is_ours(form, issuer)) return {"invalid_target", "resource is not an MCP server of here"};
  return {};
}

SignIn sign_in_of(const Client& client, const http::Form& form, const Issuer& issuer) {
  SignIn sign_in;
  sign_in.client_id = client.id;
  sign_in.client_name = client.name;
  sign_in.is_document = client.is_document;
  sign_in.redirect_uri = form.value("redirect_uri");
  if (form.has("state")) sign_in.state = std::string(form.value("state"));
  sign_in.scopes = narrow(split_scopes(form.value("scope")), client.scopes);
  sign_in.resource = issuer.resource();
  sign_in.code_challenge = form.value("code_challenge");
  sign_in.tenant = client.tenant;
  return sign_in;
}

}  // namespace

http::Response Server::authorize(const http::Request& request, const Context& context) {
  const auto form = http::Form::parse(request.query);
  if (!form || is_repeated(*form, "client_id") || is_repeated(*form, "redirect_uri") ||
      form->value("state").size() > kLongestState) {
    return bad_link();
  }
  const auto client = find_client(form->value("client_id"), context);
  if (!client && is_document_id(form->value("client_id")) &&
      client.error().code != ErrorCode::kUnavailable) {
    log_.failure("client metadata document was not usable", client.error(), context.request_id);
    return unknown_client();
  }
  if (!client) return page_of(client.error(), context);
  const bool is_other_tenants = *client && !(*client)->tenant.empty() && !request.tenant.empty() &&
                                (*client)->tenant != request.tenant;
  if (!*client || is_other_tenants) return unknown_client();
  if (!is_registered(form->value("redirect_uri"), (*client)->redirect_uris)) return bad_link();

  // A client of one tenant is at home on that tenant's host, whatever host the link names.
  const Issuer issuer = issuer_of(url_, request);
  SignIn sign_in = sign_in_of(**client, *form, issuer);
  if (sign_in.tenant.empty()) sign_in.tenant = request.tenant;
  Verdict verdict = judge(*form, issuer);
  if (verdict.error.empty() && sign_in.scopes.empty()) {
    verdict = {"invalid_scope", "none of these scopes can be granted to this client"};
  }
  if (!verdict.error.empty()) {
    const Return where{sign_in.redirect_uri,
                       is_repeated(*form, "state") ? std::nullopt : sign_in.state};
    return return_error(where, issuer, verdict.error, verdict.description);
  }
  return begin_sign_in(request, sign_in, context);
}

http::Response Server::begin_sign_in(const http::Request& request, const SignIn& sign_in,
                                     const Context& context) {
  auto handle = make_token("");
  auto cookie = make_token("");
  if (!handle) return page_of(handle.error(), context);
  if (!cookie) return page_of(cookie.error(), context);
  const Browser browser{handle->hash, cookie->hash};
  const auto begun = store_.begin_sign_in(browser, sign_in, request.client_address, context);
  if (!begun) return page_of(begun.error(), context);
  if (!*begun) {
    return error_page(429, "Too many attempts", "Wait a minute, then start again.");
  }
  SignInPage page;
  page.handle = handle->text.reveal();
  http::Response response = sign_in_page(200, sign_in, page);
  response.headers.push_back(
      {"Set-Cookie", set_cookie(page.handle, cookie->text.reveal(), issuer_of(url_, request))});
  return response;
}

}  // namespace lakehouse::worker::oauth
