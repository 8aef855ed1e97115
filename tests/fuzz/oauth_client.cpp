// SPDX-License-Identifier: PostgreSQL
// What clients say of themselves: redirect URIs, metadata documents, names; and the pages that show
// it to users.
#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>

#include "tests/fuzz/pattern.hpp"
#include "tests/fuzz/require.hpp"
#include "worker/http/percent.hpp"
#include "worker/oauth/client_metadata.hpp"
#include "worker/oauth/metadata_document.hpp"
#include "worker/oauth/page.hpp"
#include "worker/oauth/redirect_uri.hpp"

namespace lakehouse::worker::oauth {
namespace {

using fuzz::Pattern;
using fuzz::require;

constexpr const char* kDocumentId = "https://a.example/client.json";
constexpr std::size_t kLongestUri = 2000, kLongestId = 500, kMostRedirects = 20;

// No space, no control character, nothing beyond ASCII, and none of "#*<>@\^`{|}.
#define REST "([/?]([]!$-)+-;=?A-Z_a-z~]|\\[)*)?$"

bool is_strict_open_uri(std::string_view uri) {
  static const Pattern https("^https://(\\[[0-9A-Fa-f:.]+\\]|[A-Za-z0-9._-]+)(:[0-9]{1,5})?" REST);
  static const Pattern loopback(
      "^http://(localhost|127\\.0\\.0\\.1|\\[::1\\]|[Ll][Oo][Cc][Aa][Ll][Hh][Oo][Ss][Tt])"
      "(:[0-9]{1,5})?" REST);
  return uri.size() <= kLongestUri && (https.fits(uri) || loopback.fits(uri));
}

void check_open(std::string_view uri) {
  if (!is_open_redirect_uri(uri)) return;
  static const Pattern source("^https?://[][A-Za-z0-9._:-]+$");
  require(is_strict_open_uri(uri), "an open redirect URI is https or loopback");
  require(source.fits(source_of(uri)), "its origin has its place in a policy");
  require(uri.starts_with(source_of(uri)), "its origin is how it begins");
  require(source_of(uri).ends_with("://" + shown_target(uri)), "users are shown where it leads");
  http::Form form;
  form.add("code", std::string(uri));
  const std::string target = with_parameters(uri, form);
  require(target.starts_with(uri), "parameters are appended");
  const auto query = http::Form::parse(std::string_view(target).substr(target.find('?') + 1));
  require(!query || (!query->fields().empty() && query->fields().back().value == uri),
          "our parameter arrives");
}

void check_registered(std::string_view uri) {
  static const std::vector<std::string> registered = {
      "https://a.example/cb", "http://127.0.0.1:8080/cb?x=1", "http://[::1]/cb", "crm-app://done"};
  static const Pattern strict(
      "^(https://a\\.example/cb|crm-app://done|http://127\\.0\\.0\\.1(:[0-9]{1,5})?/cb\\?x=1|"
      "http://\\[::1\\](:[0-9]{1,5})?/cb)$");
  require(!is_registered(uri, registered) || strict.fits(uri), "a registered one, or its port");
  require(is_registered(uri, {std::string(uri)}), "each is its own");
}

void check_document_id(std::string_view id) {
  if (!is_document_id(id)) return;
  static const Pattern strict("^https?://[^/?#@]+/[^#@]+$");
  static const Pattern printable("^[!-~]*$");
  require(id.size() <= kLongestId && strict.fits(id) && printable.fits(id), "an id is a URL");
  const std::string_view path = id.substr(0, id.find('?'));
  const auto decoded = http::percent_decode(path, http::Plus::kIsPlus);
  require(decoded && decoded->find("/../") == std::string::npos && !decoded->ends_with("/.."),
          "a path climbs nowhere");
}

void check_name(std::string_view name) {
  const bool has_control = std::ranges::any_of(
      name, [](char c) { return static_cast<unsigned char>(c) < ' ' || c == '\x7f'; });
  require(!has_control && !name.empty() && name.size() <= kLongestId, "a name can be shown");
}

void check_redirects(const std::vector<std::string>& uris) {
  require(!uris.empty() && uris.size() <= kMostRedirects, "redirects are bounded");
  for (const std::string& uri : uris) {
    require(is_strict_open_uri(uri), "a client redirects to https or loopback");
  }
}

std::size_t marks(const http::Response& page) {
  return static_cast<std::size_t>(std::ranges::count_if(
      page.body, [](char c) { return c == '<' || c == '>' || c == '"' || c == '\''; }));
}

// Whatever a text says, the page has the markup that it has with a plain one.
void check_pages(std::string_view text) {
  static const auto sign_in_of = [](std::string_view shown) {
    SignIn sign_in;
    sign_in.client_name = sign_in.email = sign_in.tenant = shown;
    sign_in.redirect_uri = "https://a.example/cb";
    return sign_in;
  };
  const std::string shown(text.empty() ? "x" : text);
  const SignIn plain = sign_in_of("x"), given = sign_in_of(shown);
  require(marks(consent_page(given, shown)) == marks(consent_page(plain, "x")),
          "the consent page escapes");
  require(marks(sign_in_page(403, given, {shown, shown, shown, shown})) ==
              marks(sign_in_page(403, plain, {"x", "x", "x", "x"})),
          "the sign-in page escapes");
}

void check_metadata(std::string_view text) {
  const auto seconds = freshness(text).count();
  require(seconds >= 0 && seconds <= 86'400, "a document is kept for a day at most");
  const auto metadata = json::parse(text);
  if (!metadata) return;
  const auto redirects = redirects_of(*metadata);
  if (redirects) check_redirects(*redirects);
  check_name(shown_name(*metadata, "otherwise"));
  const json::Value* list = metadata->find("grant_types");
  require(list == nullptr || list->is(json::Value::Kind::kArray) ||
              !has_or_lacks(*metadata, "grant_types", "authorization_code"),
          "a list is a list");

  const auto client = parse_document(kDocumentId, text);
  if (!client) return;
  require(client->id == kDocumentId && metadata->string("client_id") == kDocumentId,
          "a document is its URL's");
  require(client->is_document && !client->has_secret(), "a document has no secret");
  require(redirects == client->redirect_uris, "a document has its redirects");
  check_name(client->name);
}

}  // namespace
}  // namespace lakehouse::worker::oauth

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  namespace oauth = lakehouse::worker::oauth;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  oauth::check_open(text);
  oauth::check_registered(text);
  oauth::check_document_id(text);
  oauth::check_pages(text);
  oauth::check_metadata(text);
  return 0;
}
