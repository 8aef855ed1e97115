// SPDX-License-Identifier: PostgreSQL
// First the host, then the origin. Cookies and other credentials never cross origins: bearer tokens
// do, and those a page must hold itself.
#include "worker/http/access.hpp"

#include <algorithm>
#include <array>

#include "worker/http/client_address.hpp"

namespace lakehouse::worker::http {
namespace {

using config::HostAndPort;

constexpr std::uint16_t kHttpPort = 80, kHttpsPort = 443;
// A year: browsers that came once by https never try http.
constexpr const char* kStrictTransport = "max-age=31536000";
constexpr const char* kPreflightSeconds = "600";
constexpr const char* kReadableHeaders =
    "WWW-Authenticate, Mcp-Session-Id, MCP-Protocol-Version, Retry-After, X-Request-Id, "
    "Delta-Table-Version, Delta-Sharing-Capabilities, FileIdHash, ETag, Accept-Ranges, "
    "Content-Range";
constexpr std::array<std::string_view, 14> kSendableHeaders{"authorization",
                                                            "content-type",
                                                            "accept",
                                                            "last-event-id",
                                                            "mcp-protocol-version",
                                                            "mcp-session-id",
                                                            "mcp-method",
                                                            "mcp-name",
                                                            "range",
                                                            "if-range",
                                                            "if-match",
                                                            "if-none-match",
                                                            "fileidhash",
                                                            "delta-sharing-capabilities"};
constexpr std::string_view kSendablePrefix = "mcp-param-";

Response misdirected() {
  return problem(421, "MISDIRECTED_REQUEST", "this server does not answer for that host",
                 "The Host header names neither the public host nor the address you connected to.",
                 "Ask by the host of lakehouse.public_url, or change that setting.");
}

Response forbidden_origin() {
  return problem(403, "FORBIDDEN_ORIGIN", "pages of this origin may not use this server", "",
                 "Have the origin added to lakehouse.allowed_origins.");
}

std::string lower(std::string_view text) {
  std::string result(text);
  std::ranges::transform(result, result.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return result;
}

bool is_token(std::string_view text) {
  return std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
  });
}

// Of the headers that a page asks to send, those that it may.
std::string sendable_headers(std::string_view asked) {
  std::string granted;
  while (!asked.empty()) {
    const std::size_t comma = asked.find(',');
    std::string name = lower(asked.substr(0, comma));
    asked = comma == std::string_view::npos ? std::string_view() : asked.substr(comma + 1);
    std::erase(name, ' ');
    const bool is_known = std::ranges::find(kSendableHeaders, name) != kSendableHeaders.end();
    if (!is_known && !(name.starts_with(kSendablePrefix) && is_token(name))) continue;
    granted += (granted.empty() ? "" : ", ") + name;
  }
  return granted;
}

bool is_preflight(const Request& request) {
  return request.method == "OPTIONS" && !request.header("access-control-request-method").empty();
}

Response preflight(const Request& request, const std::string& methods) {
  Response response;
  response.status = 204;
  response.headers = {{"Access-Control-Allow-Methods", methods},
                      {"Access-Control-Max-Age", kPreflightSeconds}};
  const std::string headers = sendable_headers(request.header("access-control-request-headers"));
  if (!headers.empty()) response.headers.push_back({"Access-Control-Allow-Headers", headers});
  return response;
}

// What lets a page of `granted` (an origin, or *) read the answer.
void grant(const std::string& granted, std::vector<Header>& headers) {
  headers.push_back({"Access-Control-Allow-Origin", granted});
  headers.push_back({"Access-Control-Expose-Headers", kReadableHeaders});
  if (granted != "*") headers.push_back({"Vary", "Origin"});
}

std::optional<config::IpAddress> address_of(std::string_view host) {
  if (host.starts_with('[')) host = host.substr(1, host.size() - 2);
  return config::IpAddress::parse(host);
}

bool is_loopback(const config::IpAddress& address) {
  const std::string text = address.text();
  return text == "::1" || text.starts_with("127.");
}

// Whether `asked` is the very address the client has connected to. A page can't fake that by its
// name in DNS, since it is no name.
bool is_local_end(const HostAndPort& asked, const Ends& ends) {
  if (asked.port.value_or(ends.has_tls ? kHttpsPort : kHttpPort) != ends.local_port) return false;
  if (is_loopback(ends.local) && config::is_loopback_host(asked.host)) return true;
  return config::is_address(asked.host) && address_of(asked.host) == ends.local;
}

std::size_t count(const Request& request, std::string_view name) {
  return static_cast<std::size_t>(std::ranges::count(request.headers, name, &Header::name));
}

}  // namespace

Access::Verdict Access::admit(Request& request, const Ends& ends, const Router& router) const {
  Verdict verdict;
  request.client_address = client_address(request, ends.peer, options_.trusted_proxies).text();
  const Audience audience = router.audience(request.path);
  const std::string_view host = request.header("host");
  const auto asked = config::parse_host(host);
  if (!asked && !host.empty()) {
    verdict.answer = problem(400, "BAD_REQUEST", "the request is malformed", "Host is no host.");
    return verdict;
  }
  const auto own = asked ? own_origin(request, *asked, ends, audience) : std::nullopt;
  const bool is_probe_by_address =
      audience == Audience::kProbes && (!asked || config::is_address(asked->host));
  // Where each tenant has a host, others have no URL to be named by; probes need none, and
  // recipients have a URL of their own.
  const bool is_nobodys = options_.public_url.has_tenant_hosts() && request.tenant.empty() &&
                          audience != Audience::kProbes && audience != Audience::kRecipients;
  if ((!own && !is_probe_by_address) || is_nobodys) {
    verdict.answer = misdirected();
    return verdict;
  }
  if (options_.public_url.is_https() && !options_.public_url.is_loopback()) {
    verdict.headers.push_back({"Strict-Transport-Security", kStrictTransport});
  }
  const std::string origin(request.header("origin"));
  if (count(request, "origin") == 0) return verdict;
  const bool is_for_anyone = audience == Audience::kAnyone;
  const bool is_known = is_known_origin(origin);
  if (count(request, "origin") > 1 || (!is_for_anyone && !is_known && origin != own)) {
    verdict.answer = forbidden_origin();
    return verdict;
  }
  if (is_for_anyone || is_known) grant(is_for_anyone ? "*" : origin, verdict.headers);
  const std::string methods = router.allowed_methods(request.path);
  if (is_preflight(request) && !methods.empty()) verdict.answer = preflight(request, methods);
  return verdict;
}

std::optional<std::string> Access::own_origin(Request& request, const HostAndPort& asked,
                                              const Ends& ends, Audience audience) const {
  if (audience == Audience::kRecipients && options_.sharing_url &&
      options_.sharing_url->tenant_of(asked)) {
    return options_.sharing_url->origin();
  }
  if (auto tenant = options_.public_url.tenant_of(asked)) {
    request.tenant = *std::move(tenant);
    return options_.public_url.origin(request.tenant);
  }
  if (!is_local_end(asked, ends)) return std::nullopt;
  return (ends.has_tls ? "https://" : "http://") + lower(request.header("host"));
}

bool Access::is_known_origin(std::string_view origin) const {
  return std::ranges::find(options_.allowed_origins, origin) != options_.allowed_origins.end();
}

}  // namespace lakehouse::worker::http
