// SPDX-License-Identifier: PostgreSQL
// Schemes are compared without case (RFC 9110, section 11.1).
#include "worker/oauth/credentials.hpp"

#include <algorithm>

#include "core/base/base64.hpp"
#include "worker/http/form.hpp"
#include "worker/http/percent.hpp"

namespace lakehouse::worker::oauth {
namespace {

bool is_scheme(std::string_view text, std::string_view lower_case) {
  return std::ranges::equal(text, lower_case, [](char a, char b) {
    return (a >= 'A' && a <= 'Z' ? static_cast<char>(a - 'A' + 'a') : a) == b;
  });
}

bool has_token_in_query(const http::Request& request) {
  if (request.query.empty()) return false;
  const auto form = http::Form::parse(request.query);
  return form && form->has("access_token");
}

}  // namespace

// Both halves are form-urlencoded before they are joined.
std::optional<ClientCredentials> read_basic(std::string_view header) {
  const std::size_t space = std::min(header.find(' '), header.size());
  if (!is_scheme(header.substr(0, space), "basic")) return std::nullopt;
  const auto joined = from_base64(header.substr(std::min(space + 1, header.size())));
  if (!joined) return std::nullopt;
  const std::size_t colon = joined->find(':');
  if (colon == std::string::npos) return std::nullopt;
  auto id = http::percent_decode(std::string_view(*joined).substr(0, colon), http::Plus::kIsSpace);
  auto secret =
      http::percent_decode(std::string_view(*joined).substr(colon + 1), http::Plus::kIsSpace);
  if (!id || !secret) return std::nullopt;
  return ClientCredentials{*std::move(id), *std::move(secret)};
}

BearerToken read_bearer(const http::Request& request) {
  if (has_token_in_query(request)) return {Presence::kMalformed, {}};
  const auto count = std::ranges::count(request.headers, "authorization", &http::Header::name);
  if (count > 1) return {Presence::kMalformed, {}};
  const std::string_view header = request.header("authorization");
  const std::size_t space = std::min(header.find(' '), header.size());
  if (!is_scheme(header.substr(0, space), "bearer")) return {};
  std::string_view token = header.substr(space);
  token.remove_prefix(std::min(token.find_first_not_of(' '), token.size()));
  return {token.empty() ? Presence::kMalformed : Presence::kToken, token};
}

}  // namespace lakehouse::worker::oauth
