// SPDX-License-Identifier: PostgreSQL
// Takes host and port apart, and checks both.
#include "worker/config/address.hpp"

#include <arpa/inet.h>

#include <charconv>

namespace lakehouse::worker::config {
namespace {

Error bad_address(std::string_view text) {
  return {ErrorCode::kInvalidArgument,
          "invalid value for parameter \"lakehouse.listen\": \"" + std::string(text) + "\"",
          "The form is address:port, with a numeric address.",
          "Write for example 127.0.0.1:8720, [::1]:8720 or *:8720."};
}

bool is_ip(const std::string& ip) {
  in6_addr raw{};
  return ::inet_pton(AF_INET, ip.c_str(), &raw) == 1 ||
         ::inet_pton(AF_INET6, ip.c_str(), &raw) == 1;
}

bool is_ip6(const std::string& ip) { return ip.find(':') != std::string::npos; }

}  // namespace

Result<Address> parse_address(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return bad_address(text);
  std::string host(text.substr(0, colon));
  const std::string_view digits = text.substr(colon + 1);

  Address address;
  const auto [end, problem] = std::from_chars(digits.begin(), digits.end(), address.port);
  if (digits.empty() || problem != std::errc() || end != digits.end()) return bad_address(text);

  const bool has_brackets = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (has_brackets) host = host.substr(1, host.size() - 2);
  if (host == "localhost") host = "127.0.0.1";
  if (host == "*") host = "0.0.0.0";
  if (!is_ip(host) || is_ip6(host) != has_brackets) return bad_address(text);
  address.ip = std::move(host);
  return address;
}

std::string to_text(const Address& address) {
  const std::string host = is_ip6(address.ip) ? "[" + address.ip + "]" : address.ip;
  return host + ":" + std::to_string(address.port);
}

}  // namespace lakehouse::worker::config
