// SPDX-License-Identifier: PostgreSQL
// Several X-Forwarded-For headers are one list.
#include "worker/http/client_address.hpp"

#include <algorithm>
#include <optional>
#include <string_view>

namespace lakehouse::worker::http {
namespace {

using config::IpAddress;

std::string_view trimmed(std::string_view text) {
  while (text.starts_with(' ') || text.starts_with('\t')) text.remove_prefix(1);
  while (text.ends_with(' ') || text.ends_with('\t')) text.remove_suffix(1);
  return text;
}

// Some proxies add the port: 192.0.2.1:5678, [2001:db8::1]:5678.
std::optional<IpAddress> parse_hop(std::string_view hop) {
  if (hop.starts_with('[')) {
    const std::size_t end = hop.find(']');
    return end == std::string_view::npos ? std::nullopt : IpAddress::parse(hop.substr(1, end - 1));
  }
  const bool has_port = std::ranges::count(hop, ':') == 1;
  return IpAddress::parse(has_port ? hop.substr(0, hop.find(':')) : hop);
}

}  // namespace

config::IpAddress client_address(const Request& request, const IpAddress& peer,
                                 const std::vector<config::Network>& trusted_proxies) {
  IpAddress nearest = peer;
  for (auto header = request.headers.rbegin(); header != request.headers.rend(); ++header) {
    if (header->name != "x-forwarded-for") continue;
    std::string_view rest = header->value;
    while (!rest.empty()) {
      if (!config::contains(trusted_proxies, nearest)) return nearest;
      const std::size_t comma = rest.rfind(',');
      const std::size_t begin = comma == std::string_view::npos ? 0 : comma + 1;
      const auto hop = parse_hop(trimmed(rest.substr(begin)));
      if (!hop) return nearest;
      nearest = *hop;
      rest = comma == std::string_view::npos ? std::string_view() : rest.substr(0, comma);
    }
  }
  return nearest;
}

}  // namespace lakehouse::worker::http
