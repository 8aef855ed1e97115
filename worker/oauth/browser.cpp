// SPDX-License-Identifier: PostgreSQL
// A cookie of its own for each sign-in, so that two tabs don't disturb each other; SameSite=Strict
// is enough, since all requests that need it come from our own pages.
#include "worker/oauth/browser.hpp"

#include "core/base/base64.hpp"
#include "worker/http/cookie.hpp"
#include "worker/oauth/token.hpp"

namespace lakehouse::worker::oauth {
namespace {

constexpr std::size_t kNameBytes = 6;

// The prefix makes browsers insist on Secure, on the path / and on no domain.
std::string cookie_name(std::string_view handle, const Issuer& issuer) {
  std::string name = issuer.is_https ? "__Host-lakehouse-" : "lakehouse-";
  return name + to_base64url(std::string_view(hash_of(handle)).substr(0, kNameBytes));
}

std::string cookie_line(std::string_view handle, std::string_view value, std::string_view age,
                        const Issuer& issuer) {
  std::string line = cookie_name(handle, issuer) + "=" + std::string(value) +
                     "; Path=/; HttpOnly; SameSite=Strict; Max-Age=" + std::string(age);
  if (issuer.is_https) line += "; Secure";
  return line;
}

}  // namespace

std::string set_cookie(std::string_view handle, std::string_view value, const Issuer& issuer) {
  return cookie_line(handle, value, "600", issuer);
}

std::string clear_cookie(std::string_view handle, const Issuer& issuer) {
  return cookie_line(handle, "", "0", issuer);
}

std::optional<Browser> browser_of(const http::Request& request, std::string_view handle,
                                  const Issuer& issuer) {
  const std::string_view value = http::cookie(request, cookie_name(handle, issuer));
  if (handle.empty() || value.empty()) return std::nullopt;
  return Browser{hash_of(handle), hash_of(value)};
}

bool is_from_own_page(const http::Request& request, const Issuer& issuer) {
  const std::string_view origin = request.header("origin");
  const std::string_view site = request.header("sec-fetch-site");
  return (origin.empty() || origin == issuer.origin) && (site.empty() || site == "same-origin");
}

}  // namespace lakehouse::worker::oauth
