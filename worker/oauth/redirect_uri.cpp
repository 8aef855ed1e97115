// SPDX-License-Identifier: PostgreSQL
// URIs are compared as text: two spellings of one URI are two URIs (RFC 9700, section 4.1.3).
#include "worker/oauth/redirect_uri.hpp"

#include <algorithm>
#include <charconv>

#include "worker/config/public_url.hpp"

namespace lakehouse::worker::oauth {
namespace {

constexpr std::size_t kLongest = 2000;

struct Parts {
  std::string_view scheme, authority, rest;  // rest: from the path on
};

Parts split(std::string_view uri) {
  const std::size_t colon = uri.find("://");
  if (colon == std::string_view::npos) return {uri.substr(0, uri.find(':')), {}, {}};
  const std::string_view after = uri.substr(colon + 3);
  const std::size_t end = std::min(after.find_first_of("/?#"), after.size());
  return {uri.substr(0, colon), after.substr(0, end), after.substr(end)};
}

bool is_printable(std::string_view uri) {
  return std::ranges::all_of(uri, [](char c) { return c > ' ' && c < '\x7f'; }) &&
         uri.find_first_of("\"<>\\^`{|}#*@") == std::string_view::npos;
}

bool is_loopback(const Parts& parts) {
  const auto host = config::parse_host(parts.authority);
  return parts.scheme == "http" && host &&
         (host->host == "127.0.0.1" || host->host == "[::1]" || host->host == "localhost");
}

std::string_view without_port(std::string_view authority) {
  const std::size_t colon = authority.rfind(':');
  if (colon == std::string_view::npos || authority.ends_with(']')) return authority;
  return authority.substr(0, colon);
}

bool matches(const Parts& asked, const Parts& registered) {
  return is_loopback(registered) && is_loopback(asked) &&
         without_port(asked.authority) == without_port(registered.authority) &&
         asked.rest == registered.rest;
}

}  // namespace

bool is_open_redirect_uri(std::string_view uri) {
  if (uri.empty() || uri.size() > kLongest || !is_printable(uri)) return false;
  const Parts parts = split(uri);
  if (parts.scheme == "https") return config::parse_host(parts.authority).has_value();
  return is_loopback(parts);
}

bool is_registered(std::string_view uri, const std::vector<std::string>& registered) {
  return std::ranges::any_of(registered, [&](const std::string& one) {
    return uri == one || (is_printable(uri) && matches(split(uri), split(one)));
  });
}

std::string shown_target(std::string_view uri) {
  const Parts parts = split(uri);
  if (parts.scheme == "https" || parts.scheme == "http") return std::string(parts.authority);
  return std::string(parts.scheme) + "://";
}

std::string source_of(std::string_view uri) {
  const Parts parts = split(uri);
  if (parts.scheme != "https" && parts.scheme != "http") return std::string(parts.scheme) + ":";
  return std::string(parts.scheme) + "://" + std::string(parts.authority);
}

std::string with_parameters(std::string_view uri, const http::Form& parameters) {
  std::string target(uri);
  const std::size_t query = target.find('?');
  if (query == std::string::npos) {
    target += '?';
  } else if (query + 1 != target.size() && !target.ends_with('&')) {
    target += '&';
  }
  return target + parameters.encode();
}

}  // namespace lakehouse::worker::oauth
