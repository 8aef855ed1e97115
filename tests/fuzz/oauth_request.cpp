// SPDX-License-Identifier: PostgreSQL
// What clients send to the authorization server and with each token: parameters and credentials.
#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/base/base64.hpp"
#include "core/base/credential.hpp"
#include "tests/fuzz/pattern.hpp"
#include "tests/fuzz/require.hpp"
#include "worker/http/percent.hpp"
#include "worker/oauth/credentials.hpp"
#include "worker/oauth/parameters.hpp"
#include "worker/oauth/pkce.hpp"
#include "worker/oauth/scope.hpp"

namespace lakehouse::worker::oauth {
namespace {

using fuzz::Pattern;
using fuzz::require;

const Issuer kIssuer{"https://crm.example.com", true};

void check_pkce(std::string_view text) {
  static const Pattern challenge("^[A-Za-z0-9_-]{43}$");
  static const Pattern verifier("^[A-Za-z0-9._~-]{43,128}$");
  require(is_challenge(text) == challenge.fits(text), "a challenge has its one form");
  require(is_verifier(text) == verifier.fits(text), "a verifier has its one form");
  require(is_challenge(challenge_of(text)), "a verifier has a challenge");
}

void check_authorization(std::string_view query) {
  const auto form = http::Form::parse(query);
  if (!form || !judge_authorization(*form, kIssuer).error.empty()) return;
  static const Pattern challenge("^[A-Za-z0-9_-]{43}$");
  static const Pattern resource("^https://crm\\.example\\.com(/|/mcp|/api/mcp)?$");
  require(form->value("response_type") == "code", "the code flow alone");
  require(challenge.fits(form->value("code_challenge")), "never without PKCE");
  require(form->value("code_challenge_method") == "S256", "S256 alone");
  require(!form->has("request") && !form->has("request_uri"), "no request objects");
  for (const http::Form::Field& field : form->fields()) {
    const auto count = std::ranges::count(form->fields(), field.name, &http::Form::Field::name);
    require(count == 1 || field.name == "resource", "each parameter once");
    require(field.name != "resource" || resource.fits(field.value), "no tokens for others");
  }
}

void check_scopes(std::string_view text) {
  const auto scopes = split_scopes(text);
  require(std::ranges::is_sorted(scopes), "scopes are sorted");
  require(std::ranges::adjacent_find(scopes) == scopes.end(), "each scope once");
  for (const std::string& scope : scopes) {
    require(!scope.empty() && scope.find(' ') == std::string::npos, "a scope is a word");
  }
  require(split_scopes(join_scopes(scopes)) == scopes, "joined scopes split again");
  const auto narrowed = narrow(scopes, scope_names());
  for (const std::string& scope : narrowed) {
    require(std::ranges::count(scope_names(), scope) == 1, "never more than is allowed");
    require(scopes.empty() || std::ranges::count(scopes, scope) == 1, "nor than was asked");
  }
}

void check_basic(std::string_view header) {
  static const Pattern strict("^[Bb][Aa][Ss][Ii][Cc] [A-Za-z0-9+/]*={0,2}$");
  const auto read = read_basic(header);
  if (!read) return;
  require(strict.fits(header) && header.size() % 4 == 2, "Basic is base64");
  require(from_base64(header.substr(6)).has_value(), "base64 has one form");
  const std::string again = "Basic " + to_base64(http::percent_encode(read->id) + ":" +
                                                 http::percent_encode(*read->secret));
  const auto same = read_basic(again);
  require(same && same->id == read->id && same->secret == read->secret,
          "credentials can be written");
}

// Any bytes as what base64 holds, since hardly an input would be base64 by chance.
void check_pair(std::string_view text) {
  const auto read = read_basic("basic " + to_base64(text));
  const std::size_t colon = text.find(':');
  if (read) require(colon != std::string_view::npos, "id and secret are a pair");
  if (colon == std::string_view::npos) return;
  const auto id = http::percent_decode(text.substr(0, colon), http::Plus::kIsSpace);
  const auto secret = http::percent_decode(text.substr(colon + 1), http::Plus::kIsSpace);
  require(read.has_value() == (id && secret), "both are form-urlencoded");
  if (read) require(read->id == *id && read->secret == *secret, "the first colon parts them");
}

void check_bearer(std::string_view text) {
  static const Pattern scheme("^[Bb][Ee][Aa][Rr][Ee][Rr] +$");
  static const Pattern usual("^[Bb][Ee][Aa][Rr][Ee][Rr] +[!-~]+$");
  static const Pattern token("^lkh_at_[A-Za-z0-9_-]{43}[A-Za-z0-9]{6}$");
  http::Request request;
  request.headers = {{"authorization", std::string(text)}};
  const BearerToken read = read_bearer(request);
  const bool has_token = read.presence == Presence::kToken;
  require(has_token || !usual.fits(text), "Bearer and a word is a token");
  require(!has_token || scheme.fits(text.substr(0, text.size() - read.token.size())),
          "nothing but Bearer is before a token");
  require(!has_token || (text.ends_with(read.token) && read.token[0] != ' '), "a token is a word");
  require(!is_credential(read.token, kAccessTokenPrefix) || token.fits(read.token),
          "a token has its one form");
  request.headers.push_back(request.headers.front());
  require(read_bearer(request).presence == Presence::kMalformed, "one header alone");
  request.headers.clear();
  request.query = text;
  const BearerToken of_query = read_bearer(request);
  require(of_query.presence != Presence::kToken, "no token of a query");
  request.query = "access_token=" + http::percent_encode(text);
  const bool is_form = http::Form::parse(request.query).has_value();
  require(!is_form || read_bearer(request).presence == Presence::kMalformed, "nor beside it");
}

void check_credential(std::string_view text) {
  std::array<unsigned char, kCredentialRandomBytes> random{};
  std::copy_n(text.begin(), std::min(text.size(), random.size()), random.begin());
  const CredentialBody body = credential_body(random);
  std::string credential(kAccessTokenPrefix);
  credential.append(body.data(), body.size());
  require(is_credential(credential, kAccessTokenPrefix), "what we make is ours");
  require(!is_credential(credential, kRefreshTokenPrefix), "for its use alone");
  const std::size_t at = random[0] % body.size() + kAccessTokenPrefix.size();
  const char other = static_cast<char>(random[1]);
  if (credential[at] == other) return;
  credential[at] = other;
  require(!is_credential(credential, kAccessTokenPrefix), "a mistyped one is known");
}

}  // namespace
}  // namespace lakehouse::worker::oauth

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  namespace oauth = lakehouse::worker::oauth;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  oauth::check_pkce(text);
  oauth::check_authorization(text);
  oauth::check_scopes(text);
  oauth::check_basic(text);
  oauth::check_pair(text);
  oauth::check_bearer(text);
  oauth::check_credential(text);
  return 0;
}
