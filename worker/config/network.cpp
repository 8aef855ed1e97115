// SPDX-License-Identifier: PostgreSQL
// inet_pton for the addresses; prefixes bit by bit.
#include "worker/config/network.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>

namespace lakehouse::worker::config {
namespace {

constexpr std::array<std::uint8_t, 12> kMapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};
constexpr unsigned kMappedBits = 96, kAllBits = 128;

Error bad_network(std::string_view text, std::string detail) {
  return {
      ErrorCode::kInvalidArgument,
      "invalid value for parameter \"lakehouse.trusted_proxies\": \"" + std::string(text) + "\"",
      std::move(detail), "Write for example 10.0.0.0/8, fd00::/8 or 192.0.2.7."};
}

bool bit(const IpAddress& address, unsigned index) {
  return (address.bytes()[index / 8] >> (7 - index % 8) & 1U) != 0;
}

}  // namespace

std::optional<IpAddress> IpAddress::parse(std::string_view text) {
  const std::string terminated(text);
  if (terminated.find('\0') != std::string::npos) return std::nullopt;
  IpAddress address;
  if (::inet_pton(AF_INET6, terminated.c_str(), address.bytes_.data()) == 1) return address;
  std::ranges::copy(kMapped, address.bytes_.begin());
  if (::inet_pton(AF_INET, terminated.c_str(), address.bytes_.data() + kMapped.size()) == 1) {
    return address;
  }
  return std::nullopt;
}

bool IpAddress::is_ip4() const {
  return std::equal(kMapped.begin(), kMapped.end(), bytes_.begin());
}

std::string IpAddress::text() const {
  std::array<char, INET6_ADDRSTRLEN> buffer{};
  const std::size_t skipped = is_ip4() ? kMapped.size() : 0;
  ::inet_ntop(is_ip4() ? AF_INET : AF_INET6, bytes_.data() + skipped, buffer.data(), buffer.size());
  return buffer.data();
}

Result<Network> Network::parse(std::string_view text) {
  Network network;
  const std::size_t slash = text.find('/');
  const auto base = IpAddress::parse(text.substr(0, slash));
  if (!base) return bad_network(text, "It has no numeric address.");
  network.base_ = *base;
  if (slash == std::string_view::npos) return network;

  const std::string_view digits = text.substr(slash + 1);
  const bool is_four = text.find(':') == std::string_view::npos;
  const unsigned first = is_four ? kMappedBits : 0;
  const auto [end, problem] = std::from_chars(digits.begin(), digits.end(), network.prefix_);
  if (digits.empty() || problem != std::errc() || end != digits.end() ||
      network.prefix_ > kAllBits - first) {
    return bad_network(text, "The prefix is no number of bits of the address.");
  }
  network.prefix_ += first;
  for (unsigned index = network.prefix_; index < kAllBits; ++index) {
    if (bit(network.base_, index)) return bad_network(text, "Bits are set beyond the prefix.");
  }
  return network;
}

bool Network::contains(const IpAddress& address) const {
  for (unsigned index = 0; index < prefix_; ++index) {
    if (bit(address, index) != bit(base_, index)) return false;
  }
  return true;
}

bool contains(const std::vector<Network>& networks, const IpAddress& address) {
  return std::ranges::any_of(networks,
                             [&](const Network& network) { return network.contains(address); });
}

}  // namespace lakehouse::worker::config
