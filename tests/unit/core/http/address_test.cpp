// SPDX-License-Identifier: PostgreSQL
// Which addresses are public: the edges of each block.
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/un.h>

#include <cstring>
#include <string>

#include "core/http/address.hpp"

namespace lakehouse::http {
namespace {

bool is_public(const std::string& text) {
  sockaddr_storage storage{};
  auto* const v4 = reinterpret_cast<sockaddr_in*>(&storage);
  auto* const v6 = reinterpret_cast<sockaddr_in6*>(&storage);
  if (inet_pton(AF_INET, text.c_str(), &v4->sin_addr) == 1) {
    storage.ss_family = AF_INET;
  } else if (inet_pton(AF_INET6, text.c_str(), &v6->sin6_addr) == 1) {
    storage.ss_family = AF_INET6;
  } else {
    ADD_FAILURE() << "no address: " << text;
  }
  return is_public_address(reinterpret_cast<const sockaddr&>(storage));
}

TEST(Address, private_v4_is_not_public) {
  for (const char* text :
       {"0.0.0.0",         "0.255.255.255",   "10.0.0.0",        "10.255.255.255",
        "100.64.0.0",      "100.127.255.1",   "127.0.0.1",       "127.255.255.255",
        "169.254.0.1",     "169.254.169.254", "172.16.0.0",      "172.31.255.255",
        "192.0.0.192",     "192.0.2.1",       "192.88.99.1",     "192.168.0.1",
        "192.168.255.255", "198.18.0.1",      "198.19.255.255",  "198.51.100.7",
        "203.0.113.9",     "224.0.0.1",       "239.255.255.255", "240.0.0.1",
        "255.255.255.255", "100.100.100.200", "168.63.129.16"}) {
    EXPECT_FALSE(is_public(text)) << text;
  }
}

TEST(Address, neighbours_of_private_v4_are_public) {
  for (const char* text :
       {"1.0.0.0", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255",
        "128.0.0.0", "169.253.255.255", "169.255.0.0", "172.15.255.255", "172.32.0.0",
        "192.167.255.255", "192.169.0.0", "198.17.255.255", "198.20.0.0", "223.255.255.255",
        "8.8.8.8", "168.63.129.15"}) {
    EXPECT_TRUE(is_public(text)) << text;
  }
}

TEST(Address, private_v6_is_not_public) {
  for (const char* text : {"::",
                           "::1",
                           "fe80::1",
                           "febf::1",
                           "fec0::1",
                           "fc00::1",
                           "fd00:ec2::254",
                           "fdff::1",
                           "ff02::1",
                           "::ffff:127.0.0.1",
                           "::ffff:8.8.8.8",
                           "::127.0.0.1",
                           "64:ff9b::127.0.0.1",
                           "64:ff9b::a00:1",
                           "64:ff9b:1::8.8.8.8",
                           "100::1",
                           "2001::1",
                           "2001:db8::1",
                           "2002:7f00:1::1",
                           "3fff::1",
                           "4000::1"}) {
    EXPECT_FALSE(is_public(text)) << text;
  }
}

TEST(Address, global_v6_is_public) {
  for (const char* text : {"2606:4700::1111", "2a00:1450:4001::200e", "2001:4860:4860::8888",
                           "64:ff9b::8.8.8.8", "3ffe::1"}) {
    EXPECT_TRUE(is_public(text)) << text;
  }
}

TEST(Address, other_families_are_not_public) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  EXPECT_FALSE(is_public_address(reinterpret_cast<const sockaddr&>(address)));
}

}  // namespace
}  // namespace lakehouse::http
