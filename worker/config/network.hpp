// SPDX-License-Identifier: PostgreSQL
// IP addresses and networks (CIDR), as lakehouse.trusted_proxies lists them.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.hpp"

namespace lakehouse::worker::config {

// Of either version: IPv4 as IPv4-mapped IPv6, so that 10.0.0.1 and ::ffff:10.0.0.1 are one.
class IpAddress {
 public:
  // Without brackets, port or zone.
  static std::optional<IpAddress> parse(std::string_view text);
  std::string text() const;  // the usual form of its version
  bool is_ip4() const;
  const std::array<std::uint8_t, 16>& bytes() const noexcept { return bytes_; }
  friend bool operator==(const IpAddress&, const IpAddress&) = default;

 private:
  std::array<std::uint8_t, 16> bytes_{};
};

class Network {
 public:
  // "10.0.0.0/8", "fd00::/8", or one address. Errors: kInvalidArgument, also for bits set beyond
  // the prefix.
  static Result<Network> parse(std::string_view text);
  bool contains(const IpAddress& address) const;

 private:
  IpAddress base_;
  unsigned prefix_ = 128;  // of the 128 bits
};

bool contains(const std::vector<Network>& networks, const IpAddress& address);

}  // namespace lakehouse::worker::config
