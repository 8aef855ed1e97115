// SPDX-License-Identifier: PostgreSQL
// /oauth/consent: users are asked each time. There is no session that outlives the question, so
// nothing that one client got can be used by another.
#include "worker/oauth/answer.hpp"
#include "worker/oauth/browser.hpp"
#include "worker/oauth/page.hpp"
#include "worker/oauth/server.hpp"
#include "worker/oauth/token.hpp"

namespace lakehouse::worker::oauth {
http::Response Server::show_consent(const http::Request& request, const Context& context) {
  const auto form = http::Form::parse(request.query);
  if (!form) return expired_page();
  const std::string handle(form->value("request"));
  const auto browser = browser_of(request, handle, issuer_of(url_, request));
  if (!browser) return expired_page();
  const auto begun = store_.find_sign_in(*browser, context);
  if (!begun) return page_of(begun.error(), context);
  if (!*begun) return expired_page();
  if ((*begun)->email.empty()) {
    SignInPage page;
    page.handle = handle;
    return sign_in_page(200, **begun, page);
  }
  return consent_page(**begun, handle);
}

http::Response Server::consent(const http::Request& request, const Context& context) {
  const Issuer issuer = issuer_of(url_, request);
  const auto form = http::read_form(request);
  if (!form || !is_from_own_page(request, issuer)) return expired_page();
  const std::string_view handle = form->value("request");
  const auto browser = browser_of(request, handle, issuer);
  if (!browser) return expired_page();

  std::optional<Token> code;
  if (form->value("decision") == "allow") {
    auto made = make_token(kCodePrefix);
    if (!made) return page_of(made.error(), context);
    code = *std::move(made);
  }
  const auto finish = store_.finish_sign_in(
      *browser, code ? std::optional<std::string>(code->hash) : std::nullopt, context);
  if (!finish) return page_of(finish.error(), context);
  if (finish->outcome == "unknown") return expired_page();

  const Return where{finish->redirect_uri, finish->state};
  http::Form parameters;
  if (code) parameters.add("code", std::string(code->text.reveal()));
  http::Response response =
      finish->outcome == "granted"
          ? return_to(where, issuer, std::move(parameters))
          : return_error(where, issuer, "access_denied", "the user did not agree");
  response.headers.push_back({"Set-Cookie", clear_cookie(handle, issuer)});
  return response;
}

}  // namespace lakehouse::worker::oauth
