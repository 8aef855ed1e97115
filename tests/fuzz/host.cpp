// SPDX-License-Identifier: PostgreSQL
// Hosts, public URLs, networks, and what proxies say.
#include <cstdint>
#include <string>
#include <string_view>

#include "tests/fuzz/require.hpp"
#include "worker/config/public_url.hpp"
#include "worker/http/client_address.hpp"

namespace lakehouse::worker {
namespace {

using fuzz::require;

void check_host(std::string_view text) {
  static const auto url = *config::PublicUrl::parse("https://{org-slug}.crm.example.com");
  const auto asked = config::parse_host(text);
  if (!asked) return;
  require(asked->host.find_first_of("/@?# ,\r\n") == std::string::npos, "a host is a host");
  const auto tenant = url.tenant_of(*asked);
  if (tenant) {
    require(url.origin(*tenant) == "https://" + asked->host, "a tenant's host is its origin's");
  }
}

void check_url(std::string_view text) {
  const auto url = config::PublicUrl::parse(text);
  if (!url || url->has_tenant_hosts()) return;
  const auto again = config::PublicUrl::parse(url->origin());
  require(again && again->origin() == url->origin(), "an origin is a public URL");
  require(url->is_https() || url->is_loopback(), "plain http stays on loopback");
}

void check_addresses(std::string_view text) {
  static const auto proxy = *config::IpAddress::parse("10.0.0.1");
  http::Request request;
  request.headers.push_back({"x-forwarded-for", std::string(text)});
  const auto client = http::client_address(request, proxy, {*config::Network::parse("10.0.0.0/8")});
  require(config::IpAddress::parse(client.text()) == client, "a client's address is an address");
  require(http::client_address(request, proxy, {}) == proxy, "nobody is trusted by default");
  const auto network = config::Network::parse(text);
  const auto address = config::IpAddress::parse(text);
  require(!address || (network && network->contains(*address)), "an address is a network of one");
}

}  // namespace
}  // namespace lakehouse::worker

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  lakehouse::worker::check_host(text);
  lakehouse::worker::check_url(text);
  lakehouse::worker::check_addresses(text);
  return 0;
}
