// SPDX-License-Identifier: PostgreSQL
// Which Authorization headers are read, and as what.
#include "worker/oauth/credentials.hpp"

#include <gtest/gtest.h>

namespace lakehouse::worker::oauth {
namespace {

TEST(OauthCredentials, ReadsBasic) {
  for (const char* header : {"Basic Y3JtXzE6YSUzQWIrYw==", "bASIC Y3JtXzE6YSUzQWIrYw=="}) {
    const auto read = read_basic(header);  // crm_1:a%3Ab+c
    ASSERT_TRUE(read) << header;
    EXPECT_EQ(read->id, "crm_1");
    EXPECT_EQ(read->secret, "a:b c");
  }
  const auto empty = read_basic("Basic Og==");
  ASSERT_TRUE(empty);
  EXPECT_EQ(empty->id, "");
  EXPECT_EQ(empty->secret, "");
}

TEST(OauthCredentials, RefusesOtherFormsOfBasic) {
  // No base64 in its one form; no colon; a malformed escape; bytes that are no UTF-8.
  for (const char* header : {"", "Basic", "Basic ", "Basic  Og==", "Basic Og", "Basic Og== ",
                             "Basic Oh==", "Basic Og==Og==", "Basi Og==", "Basics Og==",
                             "Bearer Og==", "Basic YQ==", "Basic OiV4", "Basic Ov8="}) {
    EXPECT_FALSE(read_basic(header)) << header;
  }
}

BearerToken read(std::vector<http::Header> headers, std::string query = {}) {
  static http::Request request;
  request.headers = std::move(headers);
  request.query = std::move(query);
  return read_bearer(request);
}

TEST(OauthCredentials, ReadsBearer) {
  EXPECT_EQ(read({}).presence, Presence::kNone);
  EXPECT_EQ(read({{"authorization", "Basic x"}}).presence, Presence::kNone);
  EXPECT_EQ(read({{"authorization", "Bearer"}}).presence, Presence::kMalformed);
  EXPECT_EQ(read({{"authorization", "bearer  x"}}).token, "x");
  EXPECT_EQ(read({{"authorization", "Bearer x"}}).presence, Presence::kToken);
}

TEST(OauthCredentials, RefusesATokenThatIsElsewhereToo) {
  EXPECT_EQ(read({{"authorization", "Bearer x"}, {"authorization", "Bearer x"}}).presence,
            Presence::kMalformed);
  EXPECT_EQ(read({{"authorization", "Bearer x"}}, "access_token=x").presence, Presence::kMalformed);
  EXPECT_EQ(read({}, "access_token=x").presence, Presence::kMalformed);
}

}  // namespace
}  // namespace lakehouse::worker::oauth
