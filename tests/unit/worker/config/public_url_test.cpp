// SPDX-License-Identifier: PostgreSQL
// The public URL: forms that are taken and refused, origins, and whose host is whose.
#include "worker/config/public_url.hpp"

#include <gtest/gtest.h>

namespace lakehouse::worker::config {
namespace {

PublicUrl parsed(std::string_view text) {
  auto url = PublicUrl::parse(text);
  EXPECT_TRUE(url.is_ok()) << text << ": " << url.error().detail;
  return *url;
}

std::optional<std::string> tenant_of(const PublicUrl& url, std::string_view host) {
  const auto asked = parse_host(host);
  return asked ? url.tenant_of(*asked) : std::nullopt;
}

TEST(PublicUrl, writes_its_origin_without_a_default_port) {
  EXPECT_EQ(parsed("https://CRM.example.com").origin(), "https://crm.example.com");
  EXPECT_EQ(parsed("https://crm.example.com:443/").origin(), "https://crm.example.com");
  EXPECT_EQ(parsed("https://crm.example.com:8443").origin("acme"), "https://crm.example.com:8443");
  EXPECT_EQ(parsed("http://localhost:8720").origin(), "http://localhost:8720");
  EXPECT_EQ(parsed("http://[::1]:8720").origin(), "http://[::1]:8720");
  EXPECT_EQ(parsed("http://127.0.0.1").origin(), "http://127.0.0.1");
}

TEST(PublicUrl, gives_each_tenant_a_host_where_it_says_so) {
  const PublicUrl url = parsed("https://{org-slug}.crm.example.com");
  EXPECT_TRUE(url.has_tenant_hosts());
  EXPECT_EQ(url.origin("acme"), "https://acme.crm.example.com");
  EXPECT_EQ(url.origin("acme_eu"), "https://acme-eu.crm.example.com");
  EXPECT_EQ(tenant_of(url, "acme.crm.example.com"), "acme");
  EXPECT_EQ(tenant_of(url, "ACME-eu.CRM.example.com:443"), "acme_eu");
  EXPECT_EQ(tenant_of(parsed("http://{org-slug}.localhost:8720"), "acme.localhost:8720"), "acme");
}

TEST(PublicUrl, knows_no_other_host) {
  const PublicUrl one = parsed("https://crm.example.com");
  EXPECT_EQ(tenant_of(one, "crm.example.com"), "");
  for (const char* host : {"example.com", "x.crm.example.com", "crm.example.com.evil.com",
                           "crm.example.com:8443", "crm.example.com.", "evil.com"}) {
    EXPECT_EQ(tenant_of(one, host), std::nullopt) << host;
  }
  const PublicUrl many = parsed("https://{org-slug}.crm.example.com");
  for (const char* host :
       {"crm.example.com", ".crm.example.com", "a.b.crm.example.com", "acme_eu.crm.example.com",
        "1acme.crm.example.com", "acmecrm.example.com", "acme.crm.example.com:80",
        "a234567890123456789012345678901x.crm.example.com"}) {
    EXPECT_EQ(tenant_of(many, host), std::nullopt) << host;
  }
}

TEST(PublicUrl, refuses_what_is_no_origin) {
  for (const char* text :
       {"", "crm.example.com", "ftp://crm.example.com", "https://", "https://crm.example.com/app",
        "https://crm.example.com?x", "https://user@crm.example.com", "https://crm.example.com:",
        "https://crm.example.com:0", "https://crm.example.com:99999", "https://[::1",
        "https://a..b", "https://{org-slug}", "https://{org-slug}.10.0.0.1", "https://1.2.3",
        "https://x.{org-slug}.example.com", "http://crm.example.com", "http://10.0.0.1"}) {
    const auto url = PublicUrl::parse(text);
    ASSERT_FALSE(url.is_ok()) << text;
    EXPECT_EQ(url.error().code, ErrorCode::kInvalidArgument);
    EXPECT_NE(url.error().message.find("lakehouse.public_url"), std::string::npos);
  }
}

TEST(PublicUrl, is_the_address_it_listens_on_by_default) {
  EXPECT_EQ(PublicUrl::of({"127.0.0.1", 8720}, false).origin(), "http://127.0.0.1:8720");
  EXPECT_EQ(PublicUrl::of({"::1", 8720}, true).origin(), "https://[::1]:8720");
  EXPECT_EQ(PublicUrl::of({"0.0.0.0", 8720}, false).origin(), "http://localhost:8720");
  EXPECT_EQ(PublicUrl::of({"::", 8720}, false).origin(), "http://localhost:8720");
}

TEST(HostAndPort, are_told_apart) {
  EXPECT_EQ(parse_host("A.b:80")->host, "a.b");
  EXPECT_EQ(parse_host("A.b:80")->port, 80);
  EXPECT_EQ(parse_host("[::1]:80")->host, "[::1]");
  EXPECT_EQ(parse_host("[::1]")->port, std::nullopt);
  for (const std::string_view text : std::initializer_list<std::string_view>{
           "", ":80", "a b", "a/b", "a@b", "a,b", "a:b", "a:", "::1", "[::1]x", "[evil]", "a\t",
           "%61", std::string_view("10.0.0.1\0", 9), "a:080808"}) {
    EXPECT_FALSE(parse_host(text)) << text;
  }
}

TEST(HostAndPort, know_loopback_and_addresses) {
  EXPECT_TRUE(is_loopback_host("localhost"));
  EXPECT_TRUE(is_loopback_host("127.1.2.3"));
  EXPECT_FALSE(is_loopback_host("127.evil.com"));
  EXPECT_FALSE(is_loopback_host("localhost.evil.com"));
  EXPECT_TRUE(is_address("10.0.0.1"));
  EXPECT_TRUE(is_address("[fd00::1]"));
  EXPECT_FALSE(is_address("crm.example.com"));
}

}  // namespace
}  // namespace lakehouse::worker::config
