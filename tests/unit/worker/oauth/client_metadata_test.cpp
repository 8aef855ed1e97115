// SPDX-License-Identifier: PostgreSQL
// What is taken from what clients say of themselves.
#include "worker/oauth/client_metadata.hpp"

#include <gtest/gtest.h>

namespace lakehouse::worker::oauth {
namespace {

json::Value metadata(std::string_view text) { return *json::parse(text); }

TEST(ClientMetadata, RedirectsAreAListOfOpenOnes) {
  EXPECT_EQ(redirects_of(metadata(R"({"redirect_uris":["https://a.example/cb"]})")),
            std::vector<std::string>{"https://a.example/cb"});
  for (const char* text : {"{}", R"({"redirect_uris":[]})", R"({"redirect_uris":"https://a/"})",
                           R"({"redirect_uris":{"x":"https://a.example/cb"}})",
                           R"({"redirect_uris":["https://a.example/cb",1]})",
                           R"({"redirect_uris":["https://a.example/cb","ftp://a/"]})"}) {
    EXPECT_FALSE(redirects_of(metadata(text))) << text;
  }
}

TEST(ClientMetadata, AListIsAList) {
  EXPECT_TRUE(has_or_lacks(metadata("{}"), "grant_types", "a"));
  EXPECT_TRUE(has_or_lacks(metadata(R"({"grant_types":["b","a"]})"), "grant_types", "a"));
  for (const char* text : {R"({"grant_types":[]})", R"({"grant_types":["b"]})",
                           R"({"grant_types":"a"})", R"({"grant_types":{"x":"a"}})"}) {
    EXPECT_FALSE(has_or_lacks(metadata(text), "grant_types", "a")) << text;
  }
}

TEST(ClientMetadata, NameCanBeShown) {
  EXPECT_EQ(shown_name(metadata(R"({"client_name":"A\n\u0007B"})"), "x"), "AB");
  EXPECT_EQ(shown_name(metadata(R"({"client_name":" \n "})"), "x"), "x");
  EXPECT_EQ(shown_name(metadata("{}"), "x"), "x");
  EXPECT_EQ(
      shown_name(metadata(R"({"client_name":"\u202eA\u200bB\ufeff\udb40\udc41 \u00e9\u20ac"})"),
                 "x"),
      "AB \u00e9\u20ac");
  EXPECT_EQ(shown_name(metadata(R"({"client_name":"\u2066\u00ad"})"), "x"), "x");
}

}  // namespace
}  // namespace lakehouse::worker::oauth
