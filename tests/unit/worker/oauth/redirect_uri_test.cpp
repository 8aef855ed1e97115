// SPDX-License-Identifier: PostgreSQL
// Which redirect URIs are the same, and which may be registered.
#include "worker/oauth/redirect_uri.hpp"

#include <gtest/gtest.h>

#include <string>

namespace lakehouse::worker::oauth {
namespace {

TEST(RedirectUri, MatchesCharacterByCharacter) {
  const std::vector<std::string> registered = {"https://a.example/callback"};
  EXPECT_TRUE(is_registered("https://a.example/callback", registered));
  for (const char* other :
       {"https://a.example/callback/", "https://a.example/callback?x", "https://A.example/callback",
        "https://a.example:443/callback", "http://a.example/callback", "https://a.example/", "",
        "https://a.example/Callback", "https://a.example/%63allback"}) {
    EXPECT_FALSE(is_registered(other, registered)) << other;
  }
}

TEST(RedirectUri, LoopbackTakesAnyPort) {
  const std::vector<std::string> registered = {"http://127.0.0.1/cb", "http://[::1]:80/cb",
                                               "http://localhost:3000/cb?x=1"};
  for (const char* uri : {"http://127.0.0.1:5/cb", "http://127.0.0.1/cb", "http://[::1]:65535/cb",
                          "http://[::1]/cb", "http://localhost/cb?x=1"}) {
    EXPECT_TRUE(is_registered(uri, registered)) << uri;
  }
  for (const char* uri :
       {"http://127.0.0.1:5/cb2", "http://127.0.0.1:0/cb", "http://127.0.0.1:99999/cb",
        "http://127.0.0.2/cb", "http://localhost:3000/cb", "https://127.0.0.1:5/cb",
        "http://127.0.0.1:5@evil.example/cb", "http://127.0.0.1.evil.example/cb",
        "http://127.0.0.1:5/cb#x", "http://localhost.:3000/cb?x=1"}) {
    EXPECT_FALSE(is_registered(uri, registered)) << uri;
  }
}

TEST(RedirectUri, PortCountsOffLoopback) {
  EXPECT_FALSE(is_registered("https://a.example:8443/cb", {"https://a.example/cb"}));
  EXPECT_FALSE(is_registered("https://localhost:8443/cb", {"https://localhost/cb"}));
}

TEST(RedirectUri, OpenOnesAreHttpsOrLoopback) {
  for (const char* uri : {"https://a.example/cb", "https://a.example:8443/cb?x=1",
                          "http://127.0.0.1/", "http://[::1]:9/cb", "http://localhost:9/cb"}) {
    EXPECT_TRUE(is_open_redirect_uri(uri)) << uri;
  }
  for (const char* uri :
       {"http://a.example/cb", "cursor://a/b", "https://a.example/#x", "https://u@a.example/",
        "https://*.a.example/", "https://a.example/*", "https:///cb", "javascript:alert(1)",
        "https://a.example/\r\nX: y", "https://a.example/ x", "", "https://a.example/\xC3\xBC"}) {
    EXPECT_FALSE(is_open_redirect_uri(uri)) << uri;
  }
}

TEST(RedirectUri, SaysWhereItLeads) {
  EXPECT_EQ(shown_target("https://a.example:8443/cb?x=1"), "a.example:8443");
  EXPECT_EQ(shown_target("https://a.example?x=b.example/"), "a.example");
  EXPECT_EQ(shown_target("cursor://anysphere.cursor-mcp/cb"), "cursor://");
  EXPECT_EQ(source_of("http://127.0.0.1:9/cb"), "http://127.0.0.1:9");
  EXPECT_EQ(source_of("cursor://anysphere.cursor-mcp/cb"), "cursor:");
}

TEST(RedirectUri, TakesParametersBesideItsOwn) {
  http::Form form;
  form.add("code", "a&b");
  EXPECT_EQ(with_parameters("https://a.example/cb", form), "https://a.example/cb?code=a%26b");
  EXPECT_EQ(with_parameters("https://a.example/cb?x=1", form),
            "https://a.example/cb?x=1&code=a%26b");
  EXPECT_EQ(with_parameters("https://a.example/cb?", form), "https://a.example/cb?code=a%26b");
  EXPECT_EQ(with_parameters("https://a.example/cb?x=?", form),
            "https://a.example/cb?x=?&code=a%26b");
}

}  // namespace
}  // namespace lakehouse::worker::oauth
