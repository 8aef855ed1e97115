// SPDX-License-Identifier: PostgreSQL
// Which requests to /oauth/authorize are sound, and what the others are told.
#include "worker/oauth/parameters.hpp"

#include <gtest/gtest.h>

#include <string>

namespace lakehouse::worker::oauth {
namespace {

const Issuer kIssuer{"https://crm.example.com", true};
const std::string kSound =
    "response_type=code&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
    "&code_challenge_method=S256";

std::string_view error_of(const std::string& query) {
  return judge_authorization(*http::Form::parse(query), kIssuer).error;
}

TEST(OauthParameters, SoundOnesPass) {
  EXPECT_EQ(error_of(kSound), "");
  EXPECT_EQ(error_of(kSound + "&resource=https://crm.example.com&resource="
                              "https://crm.example.com/mcp&response_mode=query"),
            "");
}

TEST(OauthParameters, OthersAreToldWhy) {
  EXPECT_EQ(error_of(""), "invalid_request");
  EXPECT_EQ(error_of("response_type=token"), "unsupported_response_type");
  EXPECT_EQ(error_of("response_type=code"), "invalid_request");
  EXPECT_EQ(error_of(kSound + "&state=a&state=b"), "invalid_request");
  EXPECT_EQ(error_of(kSound + "&request="), "request_not_supported");
  EXPECT_EQ(error_of(kSound + "&request_uri="), "request_uri_not_supported");
  EXPECT_EQ(error_of(kSound + "&response_mode=fragment"), "invalid_request");
  EXPECT_EQ(error_of(kSound + "&resource=https://other.example/mcp"), "invalid_target");
  EXPECT_EQ(error_of(kSound.substr(0, kSound.size() - 1)), "invalid_request");
}

}  // namespace
}  // namespace lakehouse::worker::oauth
