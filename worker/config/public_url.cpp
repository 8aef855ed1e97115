// SPDX-License-Identifier: PostgreSQL
// Takes the URL apart by hand: what is allowed in it is far less than a URL may have.
#include "worker/config/public_url.hpp"

#include <algorithm>
#include <charconv>

#include "worker/config/network.hpp"

namespace lakehouse::worker::config {
namespace {

constexpr std::string_view kTenantLabel = "{org-slug}.";
constexpr std::size_t kLongestHost = 253;  // of DNS
constexpr std::size_t kLongestSlug = 31;
constexpr std::uint16_t kHttpPort = 80, kHttpsPort = 443;

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return c >= 'a' && c <= 'z'; }
bool is_name_character(char c) {
  return is_letter(c) || is_digit(c) || c == '-' || c == '.' || c == '_';
}

std::string lower(std::string_view text) {
  std::string result(text);
  std::ranges::transform(result, result.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return result;
}

bool is_ip4(std::string_view text) {
  const auto address = IpAddress::parse(text);
  return address && text.find(':') == std::string_view::npos;
}

bool is_ip6(std::string_view text) {
  return IpAddress::parse(text) && text.find(':') != std::string_view::npos;
}

// No empty label, no dot at an end, and no name that a resolver would take for an address.
bool is_name(std::string_view host) {
  if (host.empty() || host.size() > kLongestHost) return false;
  if (!std::ranges::all_of(host, is_name_character)) return false;
  if (host.front() == '.' || host.back() == '.') return false;
  if (host.find("..") != std::string_view::npos) return false;
  return !is_digit(host[host.rfind('.') + 1]);
}

bool is_host(std::string_view host) {
  if (host.starts_with('[')) {
    return host.ends_with(']') && is_ip6(host.substr(1, host.size() - 2));
  }
  return is_ip4(host) || is_name(host);
}

std::optional<std::uint16_t> parse_port(std::string_view digits) {
  std::uint16_t port = 0;
  const auto [end, problem] = std::from_chars(digits.begin(), digits.end(), port);
  if (digits.empty() || problem != std::errc() || end != digits.end() || port == 0) {
    return std::nullopt;
  }
  return port;
}

// The slug whose host has this label: hyphens there stand for underscores.
std::optional<std::string> slug_of(std::string_view label) {
  if (label.empty() || label.size() > kLongestSlug || !is_letter(label.front())) {
    return std::nullopt;
  }
  std::string slug(label);
  for (char& c : slug) {
    if (!is_letter(c) && !is_digit(c) && c != '-') return std::nullopt;
    if (c == '-') c = '_';
  }
  return slug;
}

Error bad_url(std::string_view setting, std::string_view text, std::string detail) {
  return {
      ErrorCode::kInvalidArgument,
      "invalid value for parameter \"" + std::string(setting) + "\": \"" + std::string(text) + "\"",
      std::move(detail),
      "Write for example https://crm.example.com or https://{org-slug}.crm.example.com."};
}

}  // namespace

std::optional<HostAndPort> parse_host(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  const bool has_port = colon != std::string_view::npos && !text.ends_with(']');
  HostAndPort parsed{lower(text.substr(0, has_port ? colon : text.size())), std::nullopt};
  if (!is_host(parsed.host)) return std::nullopt;
  if (has_port) {
    parsed.port = parse_port(text.substr(colon + 1));
    if (!parsed.port) return std::nullopt;
  }
  return parsed;
}

bool is_loopback_host(std::string_view host) {
  return host == "localhost" || host == "[::1]" || (host.starts_with("127.") && is_ip4(host));
}

bool is_address(std::string_view host) { return host.starts_with('[') || is_ip4(host); }

Result<PublicUrl> PublicUrl::parse(std::string_view text, std::string_view setting) {
  PublicUrl url;
  std::string_view rest = text;
  url.is_https_ = rest.starts_with("https://");
  if (!url.is_https_ && !rest.starts_with("http://")) {
    return bad_url(setting, text, "It begins with neither https:// nor http://.");
  }
  rest.remove_prefix(rest.find("//") + 2);
  if (rest.ends_with('/')) rest.remove_suffix(1);
  url.has_tenant_hosts_ = rest.starts_with(kTenantLabel);
  if (url.has_tenant_hosts_) rest.remove_prefix(kTenantLabel.size());
  const auto parsed = parse_host(rest);
  if (!parsed) return bad_url(setting, text, "After the scheme, it has a host and no path.");
  url.host_ = parsed->host;
  url.port_ = parsed->port.value_or(url.is_https_ ? kHttpsPort : kHttpPort);
  if (url.has_tenant_hosts_ && is_address(url.host_)) {
    return bad_url(setting, text, "An address has no subdomains.");
  }
  if (!url.is_https_ && !url.is_loopback()) {
    return bad_url(setting, text,
                   "Plain http is for loopback hosts only: tokens would travel unprotected.");
  }
  return url;
}

PublicUrl PublicUrl::of(const Address& listen, bool has_tls) {
  PublicUrl url;
  url.is_https_ = has_tls;
  const bool is_any = listen.ip == "0.0.0.0" || listen.ip == "::";
  const bool is_six = listen.ip.find(':') != std::string::npos;
  url.host_ = is_any ? "localhost" : is_six ? "[" + listen.ip + "]" : listen.ip;
  url.port_ = listen.port;
  return url;
}

std::string PublicUrl::origin(std::string_view tenant) const {
  std::string origin = is_https_ ? "https://" : "http://";
  if (has_tenant_hosts_) {
    std::string label(tenant);
    std::ranges::replace(label, '_', '-');
    origin += label + ".";
  }
  origin += host_;
  if (port_ != (is_https_ ? kHttpsPort : kHttpPort)) origin += ":" + std::to_string(port_);
  return origin;
}

std::optional<std::string> PublicUrl::tenant_of(const HostAndPort& asked) const {
  if (asked.port.value_or(is_https_ ? kHttpsPort : kHttpPort) != port_) return std::nullopt;
  if (!has_tenant_hosts_) {
    return asked.host == host_ ? std::optional<std::string>("") : std::nullopt;
  }
  const std::string suffix = "." + host_;
  if (!asked.host.ends_with(suffix)) return std::nullopt;
  return slug_of(std::string_view(asked.host).substr(0, asked.host.size() - suffix.size()));
}

}  // namespace lakehouse::worker::config
