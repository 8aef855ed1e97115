// SPDX-License-Identifier: PostgreSQL
// PublicUrl: where clients reach this installation, lakehouse.public_url. Issuer, resource
// identifiers and links are made of it, never of what a request says.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/base/result.hpp"
#include "worker/config/address.hpp"

namespace lakehouse::worker::config {

// A host and a port as the Host header and a URL write them; the host in lower case, an IPv6
// address in brackets. Nothing if it is neither a name nor an address (RFC 3986, section 3.2.2).
struct HostAndPort {
  std::string host;
  std::optional<std::uint16_t> port;
};
std::optional<HostAndPort> parse_host(std::string_view text);
bool is_loopback_host(std::string_view host);  // localhost, 127.…, [::1]
bool is_address(std::string_view host);        // not a name: an IPv4 address, or one in brackets

class PublicUrl {
 public:
  // "https://crm.example.com", with a port if need be and no path; or
  // "https://{org-slug}.crm.example.com": then each tenant has a host of its own, its slug with
  // hyphens for underscores, which host names do not have.
  // Errors: kInvalidArgument; plain http is for loopback hosts only.
  static Result<PublicUrl> parse(std::string_view text,
                                 std::string_view setting = "lakehouse.public_url");
  // Where the setting is empty: the address the server listens on.
  static PublicUrl of(const Address& listen, bool has_tls);

  bool is_https() const noexcept { return is_https_; }
  bool has_tenant_hosts() const noexcept { return has_tenant_hosts_; }
  bool is_loopback() const { return is_loopback_host(host_); }

  // "https://crm.example.com:8443": no path, no default port. `tenant` is a slug; it only matters
  // where tenants have hosts of their own, and must not be empty there.
  std::string origin(std::string_view tenant = {}) const;

  // Whose host that is: a slug, or empty where all tenants share one. Nothing if it is not a host
  // of this URL, or its port another.
  std::optional<std::string> tenant_of(const HostAndPort& asked) const;

 private:
  bool is_https_ = false;
  bool has_tenant_hosts_ = false;
  std::string host_;  // without the tenant's label
  std::uint16_t port_ = 0;
};

}  // namespace lakehouse::worker::config
