// SPDX-License-Identifier: PostgreSQL
// Prefix tables.
#include "core/http/address.hpp"

#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>

namespace lakehouse::http {
namespace {

struct PrefixV4 {
  std::uint32_t network;
  int bits;
};

constexpr std::uint32_t v4(std::uint32_t a, std::uint32_t b, std::uint32_t c, std::uint32_t d) {
  return a << 24 | b << 16 | c << 8 | d;
}

constexpr PrefixV4 kPrivateV4[] = {
    {v4(0, 0, 0, 0), 8},         // "this" network
    {v4(10, 0, 0, 0), 8},        // private
    {v4(100, 64, 0, 0), 10},     // shared by carriers; one cloud's metadata
    {v4(127, 0, 0, 0), 8},       // loopback
    {v4(168, 63, 129, 16), 32},  // Azure's host agent: public in form only
    {v4(169, 254, 0, 0), 16},    // link-local, metadata of most clouds
    {v4(172, 16, 0, 0), 12},     // private
    {v4(192, 0, 0, 0), 24},      // protocol assignments
    {v4(192, 0, 2, 0), 24},      // documentation
    {v4(192, 88, 99, 0), 24},    // 6to4 relays
    {v4(192, 168, 0, 0), 16},    // private
    {v4(198, 18, 0, 0), 15},     // benchmarks
    {v4(198, 51, 100, 0), 24},   // documentation
    {v4(203, 0, 113, 0), 24},    // documentation
    {v4(224, 0, 0, 0), 3},       // multicast, reserved, broadcast
};

using BytesV6 = std::array<std::uint8_t, 16>;

struct PrefixV6 {
  BytesV6 network;
  int bits;
};

constexpr PrefixV6 kGlobalV6{{0x20}, 3};                         // all unicast in use
constexpr PrefixV6 kTranslatedV6{{0x00, 0x64, 0xff, 0x9b}, 96};  // NAT64: holds an IPv4 address
constexpr PrefixV6 kPrivateV6[] = {
    {{0x20, 0x01}, 23},              // protocol assignments, Teredo
    {{0x20, 0x01, 0x0d, 0xb8}, 32},  // documentation
    {{0x20, 0x02}, 16},              // 6to4: holds an IPv4 address
    {{0x3f, 0xff}, 20},              // documentation
};

bool is_within(std::uint32_t address, const PrefixV4& prefix) noexcept {
  return (address ^ prefix.network) >> (32 - prefix.bits) == 0;
}

bool is_within(const BytesV6& address, const PrefixV6& prefix) noexcept {
  for (int bit = 0; bit < prefix.bits; bit += 8) {
    const int ignored = std::max(0, 8 - (prefix.bits - bit));
    const auto index = static_cast<std::size_t>(bit / 8);
    if ((address[index] ^ prefix.network[index]) >> ignored != 0) return false;
  }
  return true;
}

bool is_public_v4(std::uint32_t address) noexcept {
  return std::none_of(std::begin(kPrivateV4), std::end(kPrivateV4),
                      [address](const PrefixV4& prefix) { return is_within(address, prefix); });
}

bool is_public_v6(const BytesV6& address) noexcept {
  if (is_within(address, kTranslatedV6)) {
    return is_public_v4(v4(address[12], address[13], address[14], address[15]));
  }
  return is_within(address, kGlobalV6) &&
         std::none_of(std::begin(kPrivateV6), std::end(kPrivateV6),
                      [&address](const PrefixV6& prefix) { return is_within(address, prefix); });
}

}  // namespace

bool is_public_address(const sockaddr& address) noexcept {
  if (address.sa_family == AF_INET) {
    sockaddr_in form{};
    std::memcpy(&form, &address, sizeof(form));
    return is_public_v4(ntohl(form.sin_addr.s_addr));
  }
  if (address.sa_family == AF_INET6) {
    sockaddr_in6 form{};
    std::memcpy(&form, &address, sizeof(form));
    BytesV6 bytes;
    std::memcpy(bytes.data(), &form.sin6_addr, bytes.size());
    return is_public_v6(bytes);
  }
  return false;
}

}  // namespace lakehouse::http
