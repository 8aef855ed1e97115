// SPDX-License-Identifier: PostgreSQL
// URLs and tokens that clients carry for us.
#include "worker/sharing/signed_urls.hpp"

#include <gtest/gtest.h>

#include "worker/temporary_directory.hpp"
#include "worker/http/percent.hpp"
#include "worker/sharing/seal.hpp"

namespace lakehouse::worker::sharing {
namespace {

constexpr std::int64_t kNow = 1'800'000'000;
constexpr const char* kTable = "11111111-1111-1111-1111-111111111111";
constexpr const char* kShare = "22222222-2222-2222-2222-222222222222";

std::unique_ptr<vault::Vault> open_vault(const std::string& path) {
  EXPECT_TRUE(vault::Vault::create_file_if_missing(path).is_ok());
  auto vault = vault::Vault::open_file(path);
  EXPECT_TRUE(vault.is_ok());
  return *std::move(vault);
}

class SignedUrlsTest : public testing::Test {
 protected:
  // What the router would make of a URL.
  static http::Request asked(const std::string& url) {
    http::Request request;
    const std::size_t query = url.find('?');
    const std::size_t path = url.find(kTable) + std::string(kTable).size() + 1;
    request.query = url.substr(query + 1);
    request.parameters = {
        kTable, *http::percent_decode(url.substr(path, query - path), http::Plus::kIsPlus)};
    return request;
  }
  std::string url_of(const std::string& path, std::int64_t expires_at = kNow + 60) {
    SharedTable table;
    table.id = kTable;
    table.share_id = kShare;
    Recipient recipient;
    recipient.token_id = 7;
    auto writer = urls_.writer(table, recipient,
                               std::chrono::sys_seconds{std::chrono::seconds(expires_at)}, {});
    EXPECT_TRUE(writer.is_ok());
    return (*writer)->url_of(path);
  }

  test::TemporaryDirectory directory_;
  std::unique_ptr<vault::Vault> vault_ = open_vault(directory_.path() + "/key");
  std::unique_ptr<vault::Vault> other_vault_ = open_vault(directory_.path() + "/other");
  config::BaseUrl base_ = *config::BaseUrl::parse("x", "https://crm.example.com/delta-sharing/");
  SignedUrls urls_{base_, *vault_};
};

TEST_F(SignedUrlsTest, are_verified_as_they_were_written) {
  for (const char* path : {"part-1.parquet", "_change_data/cdc 1.parquet", "ä/%41?&#'\".parquet"}) {
    const std::string url = url_of(path);
    EXPECT_TRUE(url.starts_with("https://crm.example.com/delta-sharing/files/")) << url;
    EXPECT_EQ(url.find_first_of(" \"'#"), std::string::npos) << url;
    EXPECT_NE(url.find("&sp=r&"), std::string::npos);
    const auto claim = urls_.verify(asked(url), kNow);
    ASSERT_TRUE(claim) << url;
    EXPECT_EQ(claim->path, path);
    EXPECT_EQ(claim->token_id, 7);
    EXPECT_EQ(claim->share_id, kShare);
    EXPECT_FALSE(claim->is_expired);
  }
}

TEST_F(SignedUrlsTest, expire) {
  const auto claim = urls_.verify(asked(url_of("a", kNow - 1)), kNow);
  ASSERT_TRUE(claim);
  EXPECT_TRUE(claim->is_expired);
}

TEST_F(SignedUrlsTest, are_refused_when_anything_is_changed) {
  const http::Request good = asked(url_of("a"));
  ASSERT_TRUE(urls_.verify(good, kNow));
  for (std::size_t i = 0; i < good.query.size(); ++i) {
    if (good.query.compare(i, 4, "sp=r") == 0) i += 4;  // the marker says nothing to us
    http::Request changed = good;
    changed.query[i] = changed.query[i] == '1' ? '2' : '1';
    EXPECT_FALSE(urls_.verify(changed, kNow)) << changed.query;
  }
  http::Request elsewhere = good;
  elsewhere.parameters[1] = "b";
  EXPECT_FALSE(urls_.verify(elsewhere, kNow));
  elsewhere = good;
  elsewhere.parameters[0] = kShare;
  EXPECT_FALSE(urls_.verify(elsewhere, kNow));
}

TEST_F(SignedUrlsTest, are_of_this_master_key) {
  const SignedUrls others(base_, *other_vault_);
  EXPECT_FALSE(others.verify(asked(url_of("a")), kNow));
}

TEST_F(SignedUrlsTest, tokens_are_good_for_their_question_and_time) {
  const auto token = seal_token(*vault_, "3-1000", "files of a table", kNow + 60);
  ASSERT_TRUE(token.is_ok());
  EXPECT_EQ(open_token(*vault_, *token, "files of a table", kNow), "3-1000");
  EXPECT_FALSE(open_token(*vault_, *token, "files of another", kNow));
  EXPECT_FALSE(open_token(*vault_, *token, "files of a table", kNow + 61));
  EXPECT_FALSE(open_token(*other_vault_, *token, "files of a table", kNow));
  for (const std::string& text :
       {std::string(), std::string("x"), *token + "A", "A" + *token, token->substr(1)}) {
    EXPECT_FALSE(open_token(*vault_, text, "files of a table", kNow)) << text;
  }
}

TEST(BaseUrl, has_a_path_and_no_slash_at_its_end) {
  const auto url = config::BaseUrl::parse("x", "https://CRM.example.com:443/a/delta-sharing//");
  ASSERT_TRUE(url.is_ok());
  EXPECT_EQ(url->text(), "https://crm.example.com/a/delta-sharing");
  EXPECT_EQ(config::BaseUrl::parse("x", "http://127.0.0.1:8720")->text(), "http://127.0.0.1:8720");
  for (const char* text : {"crm.example.com", "http://crm.example.com/x",
                           "https://{org-slug}.crm.example.com/x", "https://crm.example.com/a//b",
                           "https://crm.example.com/a/../b", "https://crm.example.com/?q",
                           "https://crm.example.com/a b", "https://user@crm.example.com/"}) {
    const auto refused = config::BaseUrl::parse("lakehouse.delta_sharing_base_url", text);
    ASSERT_FALSE(refused.is_ok()) << text;
    EXPECT_NE(refused.error().message.find("lakehouse.delta_sharing_base_url"), std::string::npos);
  }
}

}  // namespace
}  // namespace lakehouse::worker::sharing
