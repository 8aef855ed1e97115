// SPDX-License-Identifier: PostgreSQL
// Which client metadata documents are believed, and for how long.
#include "worker/oauth/metadata_document.hpp"

#include <gtest/gtest.h>

#include <string>

namespace lakehouse::worker::oauth {
namespace {

using namespace std::chrono_literals;

constexpr const char* kId = "https://a.example/client.json";

std::string document(const std::string& more = "") {
  return std::string("{\"client_id\":\"") + kId +
         "\",\"redirect_uris\":[\"https://a.example/cb\"],\"client_name\":\"A\"" + more + "}";
}

TEST(MetadataDocument, IdIsAUrlWithAPath) {
  for (const char* id : {kId, "https://a.example/c", "https://a.example:8443/x/y?z=1"}) {
    EXPECT_TRUE(is_document_id(id)) << id;
  }
  for (const char* id :
       {"https://a.example", "https://a.example/", "https://a.example/x#y", "https://u@a.example/x",
        "https://a.example/x/../y", "https://a.example/x/%2e%2e/y", "https://a.example/./y",
        "https:///x", "ftp://a.example/x", "crm_00000000000000000000000000000000", "",
        "https://a.example/x/..", "https://a.example?/x", "https://a%78/x",
        "https://a.example/\x01", "https://a.example/\xC3\xA4"}) {
    EXPECT_FALSE(is_document_id(id)) << id;
  }
}

TEST(MetadataDocument, BecomesAClientWithoutSecret) {
  const auto client = parse_document(kId, document());
  ASSERT_TRUE(client);
  EXPECT_EQ(client->name, "A");
  EXPECT_TRUE(client->is_document);
  EXPECT_FALSE(client->has_secret());
  EXPECT_EQ(client->redirect_uris, std::vector<std::string>{"https://a.example/cb"});
}

TEST(MetadataDocument, MustNameItsOwnUrl) {
  EXPECT_FALSE(parse_document("https://a.example/client.json?x", document()));
  EXPECT_FALSE(parse_document("https://b.example/client.json", document()));
}

TEST(MetadataDocument, MustBeSound) {
  EXPECT_FALSE(parse_document(kId, "[]"));
  EXPECT_FALSE(parse_document(kId, ""));
  EXPECT_FALSE(parse_document(kId, document(",\"client_id\":\"x\"")));
  EXPECT_FALSE(
      parse_document(kId, document(",\"token_endpoint_auth_method\":\"private_key_jwt\"")));
  EXPECT_FALSE(parse_document(kId, std::string("{\"client_id\":\"") + kId + "\"}"));
}

TEST(MetadataDocument, NameHasNoControlCharacters) {
  const auto client = parse_document(
      kId, std::string("{\"client_id\":\"") + kId +
               "\",\"redirect_uris\":[\"https://a.example/cb\"],\"client_name\":\"A\\n\\u0007B\"}");
  ASSERT_TRUE(client);
  EXPECT_EQ(client->name, "AB");
}

TEST(MetadataDocument, IsKeptAsHttpSays) {
  EXPECT_EQ(freshness(""), 300s);
  EXPECT_EQ(freshness("public, max-age=60"), 60s);
  EXPECT_EQ(freshness("max-age=0"), 0s);
  EXPECT_EQ(freshness("no-store"), 0s);
  EXPECT_EQ(freshness("max-age=999999999"), 86400s);
  EXPECT_EQ(freshness("max-age=99999999999999999999"), 86400s);
  EXPECT_EQ(freshness("max-age=x"), 300s);
}

}  // namespace
}  // namespace lakehouse::worker::oauth
