// SPDX-License-Identifier: PostgreSQL
// Addresses and networks of both versions.
#include "worker/config/network.hpp"

#include <gtest/gtest.h>

namespace lakehouse::worker::config {
namespace {

bool holds(std::string_view network, std::string_view address) {
  return Network::parse(network)->contains(*IpAddress::parse(address));
}

TEST(Network, contains_what_shares_its_prefix) {
  EXPECT_TRUE(holds("10.0.0.0/8", "10.255.1.2"));
  EXPECT_FALSE(holds("10.0.0.0/8", "11.0.0.0"));
  EXPECT_TRUE(holds("192.0.2.128/25", "192.0.2.129"));
  EXPECT_FALSE(holds("192.0.2.128/25", "192.0.2.127"));
  EXPECT_TRUE(holds("192.0.2.7", "192.0.2.7"));
  EXPECT_FALSE(holds("192.0.2.7", "192.0.2.8"));
  EXPECT_TRUE(holds("fd00::/8", "fdff::1"));
  EXPECT_FALSE(holds("fd00::/8", "fe80::1"));
  EXPECT_TRUE(holds("0.0.0.0/0", "203.0.113.9"));
  EXPECT_FALSE(holds("0.0.0.0/0", "2001:db8::1"));
}

TEST(Network, takes_both_writings_of_an_ip4_address) {
  EXPECT_TRUE(holds("10.0.0.0/8", "::ffff:10.0.0.1"));
  EXPECT_EQ(IpAddress::parse("::ffff:10.0.0.1")->text(), "10.0.0.1");
  EXPECT_EQ(IpAddress::parse("2001:DB8:0::1")->text(), "2001:db8::1");
}

TEST(Network, refuses_what_is_none) {
  for (const char* text : {"", "x", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "fd00::/129",
                           "10.0.0.1/8", "10.0.0.0/8x", "10.0.0", "[::1]", "proxy.example.com"}) {
    EXPECT_FALSE(Network::parse(text).is_ok()) << text;
  }
}

}  // namespace
}  // namespace lakehouse::worker::config
