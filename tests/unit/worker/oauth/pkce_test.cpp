// SPDX-License-Identifier: PostgreSQL
// PKCE by the example of RFC 7636.
#include "worker/oauth/pkce.hpp"

#include <gtest/gtest.h>

#include <string>

namespace lakehouse::worker::oauth {
namespace {

TEST(Pkce, ComputesTheExampleOfTheRfc) {
  EXPECT_EQ(challenge_of("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"),
            "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
}

TEST(Pkce, AcceptsVerifiersOf43To128Characters) {
  EXPECT_FALSE(is_verifier(std::string(42, 'a')));
  EXPECT_TRUE(is_verifier(std::string(43, 'a')));
  EXPECT_TRUE(is_verifier(std::string(128, '~')));
  EXPECT_FALSE(is_verifier(std::string(129, 'a')));
  EXPECT_FALSE(is_verifier(std::string(43, '+')));
  EXPECT_FALSE(is_verifier(""));
}

TEST(Pkce, AcceptsChallengesOf43Characters) {
  EXPECT_TRUE(is_challenge("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"));
  EXPECT_FALSE(is_challenge("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM="));
  EXPECT_FALSE(is_challenge(std::string(43, '.')));
  EXPECT_FALSE(is_challenge(""));
}

}  // namespace
}  // namespace lakehouse::worker::oauth
