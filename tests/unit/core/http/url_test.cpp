// SPDX-License-Identifier: PostgreSQL
// URLs and the policy over them.
#include <arpa/inet.h>
#include <gtest/gtest.h>

#include "core/http/url.hpp"
#include "core/http/url_policy.hpp"

namespace lakehouse::http {
namespace {

Url parsed(const std::string& text) {
  auto url = Url::parse(text);
  EXPECT_TRUE(url.is_ok()) << text;
  return *std::move(url);
}

TEST(Url, knows_its_host_and_port) {
  const Url url = parsed("https://Example.COM./a?b=c");
  EXPECT_EQ(url.host(), "example.com");
  EXPECT_EQ(url.port(), 443);
  EXPECT_TRUE(url.is_https());
  EXPECT_EQ(parsed("http://example.com").port(), 80);
  EXPECT_EQ(parsed("https://example.com:8443").port(), 8443);
  EXPECT_EQ(parsed("https://[0:0:0::1]/").host(), "::1");
}

TEST(Url, unmasks_numeric_spellings_of_an_address) {
  for (const char* text :
       {"http://2130706433/", "http://0x7f000001/", "http://0177.0.0.1/", "http://127.1/"}) {
    EXPECT_EQ(parsed(text).host(), "127.0.0.1") << text;
  }
}

TEST(Url, refuses_what_is_no_plain_http_url) {
  for (const std::string& text : {std::string(""),
                                  std::string("example.com"),
                                  std::string("/path"),
                                  std::string("ftp://example.com/"),
                                  std::string("file:///etc/passwd"),
                                  std::string("gopher://example.com/"),
                                  std::string("https://"),
                                  std::string("https://user@example.com/"),
                                  std::string("https://user:secret@example.com/"),
                                  std::string("https://:@example.com/"),
                                  std::string("https://example.com/#fragment"),
                                  std::string("https://exa mple.com/"),
                                  std::string("https://example.com/a\nb"),
                                  std::string("https://example.com/\0x", 22),
                                  std::string("https://example.com:0/"),
                                  std::string("https://example.com:65536/"),
                                  std::string("https://ex\xc3\xa4mple.com/"),
                                  std::string("https://[fe80::1%25eth0]/"),
                                  std::string("https://./"),
                                  "https://example.com/" + std::string(40'000, 'a')}) {
    const auto url = Url::parse(text);
    ASSERT_FALSE(url.is_ok()) << text;
    EXPECT_EQ(url.error().code, ErrorCode::kInvalidArgument);
    EXPECT_EQ(url.error().detail.find("secret"), std::string::npos);
  }
}

TEST(Url, resolves_references) {
  const Url url = parsed("https://example.com/a/b?c");
  const auto relative = url.resolve("../d");
  ASSERT_TRUE(relative.is_ok());
  EXPECT_TRUE(relative->has_origin_of(url));
  const auto absolute = url.resolve("http://other.test:81/x#part");
  ASSERT_TRUE(absolute.is_ok());
  EXPECT_EQ(absolute->host(), "other.test");
  EXPECT_EQ(absolute->port(), 81);
  EXPECT_FALSE(url.resolve("https://user@example.com/").is_ok());
  EXPECT_FALSE(url.resolve("ftp://example.com/").is_ok());
}

TEST(Url, origin_is_scheme_host_and_port) {
  const Url url = parsed("https://example.com/a");
  EXPECT_TRUE(url.has_origin_of(parsed("https://EXAMPLE.com:443/b")));
  EXPECT_FALSE(url.has_origin_of(parsed("http://example.com/a")));
  EXPECT_FALSE(url.has_origin_of(parsed("https://example.com:444/a")));
  EXPECT_FALSE(url.has_origin_of(parsed("https://www.example.com/a")));
  EXPECT_FALSE(parsed("http://example.com:443/").has_origin_of(url));
}

class Policy : public ::testing::Test {
 protected:
  static UrlPolicy with(const std::vector<std::string>& hosts) {
    auto policy = UrlPolicy::create(hosts);
    EXPECT_TRUE(policy.is_ok());
    return *std::move(policy);
  }
  static bool allows_loopback(const UrlPolicy& policy, const std::string& url) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return policy.allows(parsed(url), reinterpret_cast<const sockaddr&>(address));
  }
};

TEST_F(Policy, without_entries_demands_https_and_public_addresses) {
  const UrlPolicy policy = with({});
  EXPECT_TRUE(policy.check(parsed("https://example.com/")).is_ok());
  EXPECT_FALSE(policy.check(parsed("http://example.com/")).is_ok());
  EXPECT_FALSE(policy.check(parsed("http://localhost/")).is_ok());
  EXPECT_FALSE(allows_loopback(policy, "https://example.com/"));
}

TEST_F(Policy, host_entry_counts_for_every_port_and_no_other_host) {
  const UrlPolicy policy = with({"LocalHost."});
  EXPECT_TRUE(policy.check(parsed("http://localhost:1234/")).is_ok());
  EXPECT_TRUE(allows_loopback(policy, "https://localhost/"));
  EXPECT_FALSE(allows_loopback(policy, "https://localhost.example.com/"));
  EXPECT_FALSE(allows_loopback(policy, "https://notlocalhost/"));
}

TEST_F(Policy, host_and_port_entry_counts_for_that_port_only) {
  const UrlPolicy policy = with({"localhost:81", "[::1]:82", "::1", "[fd00::2]"});
  EXPECT_TRUE(policy.check(parsed("http://localhost:81/")).is_ok());
  EXPECT_FALSE(policy.check(parsed("http://localhost:82/")).is_ok());
  EXPECT_TRUE(policy.check(parsed("http://[::1]:9/")).is_ok());
  EXPECT_TRUE(policy.check(parsed("http://[fd00:0::2]/")).is_ok());
}

TEST_F(Policy, refuses_malformed_entries) {
  for (const char* entry : {"", ":80", "host:", "host:0", "host:65536", "host:8x", "http://host",
                            "host/path", "*", "*.example.com", "us er", "user@host"}) {
    EXPECT_FALSE(UrlPolicy::create({entry}).is_ok()) << entry;
  }
}

}  // namespace
}  // namespace lakehouse::http
