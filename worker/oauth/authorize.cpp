// SPDX-License-Identifier: PostgreSQL
// /oauth/authorize. Until client and redirect URI are known to belong together, every error is a
// page: whoever redirects before that sends users wherever a link says (RFC 9700, section 4.11).
#include "worker/oauth/answer.hpp"
#include "worker/oauth/browser.hpp"
#include "worker/oauth/page.hpp"
#include "worker/oauth/parameters.hpp"
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
  Verdict verdict = judge_authorization(*form, issuer);
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
