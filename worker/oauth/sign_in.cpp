// SPDX-License-Identifier: PostgreSQL
// /oauth/sign-in: a password, checked by the database against the role's own verifier.
#include "worker/oauth/answer.hpp"
#include "worker/oauth/browser.hpp"
#include "worker/oauth/page.hpp"
#include "worker/oauth/server.hpp"

namespace lakehouse::worker::oauth {
namespace {

constexpr std::string_view kDenied =
    "That did not work. Check the e-mail address and the password; if they are right, ask your "
    "administrator whether your account is active.";

std::string locked_text(std::int64_t seconds) {
  return "Too many attempts failed. Wait " + std::to_string(seconds) + " seconds, then try again.";
}

}  // namespace

http::Response Server::sign_in(const http::Request& request, const Context& context) {
  const Issuer issuer = issuer_of(url_, request);
  const auto form = http::read_form(request);
  if (!form || !is_from_own_page(request, issuer)) return expired_page();
  const auto browser = browser_of(request, form->value("request"), issuer);
  if (!browser) return expired_page();
  const auto begun = store_.find_sign_in(*browser, context);
  if (!begun) return page_of(begun.error(), context);
  if (!*begun) return expired_page();

  const auto answer =
      store_.answer_sign_in(*browser, form->value("workspace"), form->value("email"),
                            form->value("password"), request.client_address, context);
  if (!answer) return page_of(answer.error(), context);
  if (answer->outcome == "admitted") {
    http::Form query;
    query.add("request", std::string(form->value("request")));
    return see_other("/oauth/consent?" + query.encode());
  }
  if (answer->outcome == "unknown") return expired_page();

  const bool is_locked = answer->outcome == "locked";
  log_.write(LogLevel::kWarning, "sign-in refused", context.request_id,
             {{"outcome", std::string_view(answer->outcome)},
              {"client_address", std::string_view(request.client_address)}});
  const SignInPage page{std::string(form->value("request")),
                        is_locked ? locked_text(answer->retry_seconds) : std::string(kDenied),
                        std::string(form->value("email")), std::string(form->value("workspace"))};
  http::Response response = sign_in_page(is_locked ? 429 : 403, **begun, page);
  if (is_locked) {
    response.headers.push_back({"Retry-After", std::to_string(answer->retry_seconds)});
  }
  return response;
}

}  // namespace lakehouse::worker::oauth
