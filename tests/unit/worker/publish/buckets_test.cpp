// SPDX-License-Identifier: PostgreSQL
// From rows of stores in a real database, with secrets in a real vault, to buckets.
#include "worker/publish/buckets.hpp"

#include "worker/db/database_fixture.hpp"
#include "worker/publish/stores.hpp"
#include "worker/temporary_directory.hpp"

namespace lakehouse::worker::test {
namespace {

constexpr const char* kId = "00000000-0000-0000-0000-000000000007";

class DatabaseBuckets : public DatabaseTest {
 protected:
  void SetUp() override {
    ASSERT_NO_FATAL_FAILURE(DatabaseTest::SetUp());
    create_tables();
    const std::string key = directory_.path() + "/key";
    ASSERT_TRUE(vault::Vault::create_file_if_missing(key).is_ok());
    vault_ = *vault::Vault::open_file(key);
    client_ = *lakehouse::http::Client::create({});
    buckets_ = std::make_unique<publish::Buckets>(*pool_, *vault_, *client_);
    run("INSERT INTO lakehouse.stores (id, tenant_id, url, endpoint, region, path_style, "
        "access_key_id, role_arn) SELECT $1::uuid, id, 's3://lake/prod/x', 'https://a.example', "
        "'eu-west-1', true, 'AKID', 'arn:aws:iam::1:role/r' FROM lakehouse.tenants",
        {db::Value::text(kId)});
    tenant_ = text("SELECT id::text FROM lakehouse.tenants");
  }
  void TearDown() override {
    buckets_.reset();
    DatabaseTest::TearDown();
  }
  std::string text(const char* sql) {
    const auto rows = run(sql);
    return rows.row(0).text();
  }
  void seal(const std::string& secret, std::int64_t version, const std::string& endpoint) {
    const auto envelope = vault_->seal(
        Secret(secret),
        {tenant_, "stores", kId, "secret for " + endpoint, static_cast<std::uint64_t>(version)});
    ASSERT_TRUE(envelope.is_ok());
    run("UPDATE lakehouse.stores SET secret = $1, secret_version = $2::bigint",
        {db::Value::bytes(*envelope), db::Value::integer(version)});
  }
  ErrorCode error_of(const std::string& id) {
    const auto found = buckets_->find(id, within(10s));
    EXPECT_FALSE(found.is_ok());
    return found ? ErrorCode::kInternal : found.error().code;
  }

  TemporaryDirectory directory_;
  std::unique_ptr<vault::Vault> vault_;
  std::unique_ptr<lakehouse::http::Client> client_;
  std::unique_ptr<publish::Buckets> buckets_;
  std::string tenant_;
};

TEST_F(DatabaseBuckets, a_row_becomes_a_bucket_with_its_folder_and_key) {
  seal("s3cret", 1, "https://a.example");
  const auto found = buckets_->find(kId, within(10s));
  ASSERT_TRUE(found.is_ok()) << found.error().message;
  EXPECT_EQ((*found)->bucket->name(), "lake");
  EXPECT_EQ((*found)->folder, "prod/x");
  EXPECT_EQ((*found)->row.role_arn, "arn:aws:iam::1:role/r");
  EXPECT_EQ((*found)->credentials.secret_access_key.reveal(), "s3cret");
  publish::Stores stores(directory_.path() + "/delta", *buckets_);
  const auto store = stores.find(kId, within(10s));
  ASSERT_TRUE(store.is_ok());
  EXPECT_NE(store->get(), stores.find("", within(10s))->get());
}

TEST_F(DatabaseBuckets, a_bucket_is_kept_until_its_row_changes) {
  seal("one", 1, "https://a.example");
  const auto first = buckets_->find(kId, within(10s));
  ASSERT_TRUE(first.is_ok());
  EXPECT_EQ(*first, *buckets_->find(kId, within(10s)));
  seal("two", 2, "https://a.example");
  const auto second = buckets_->find(kId, within(10s));
  ASSERT_TRUE(second.is_ok());
  EXPECT_EQ((*second)->credentials.secret_access_key.reveal(), "two");
}

TEST_F(DatabaseBuckets, a_revoked_or_redirected_store_is_refused) {
  EXPECT_EQ(error_of(kId), ErrorCode::kUnauthenticated);
  seal("one", 1, "https://a.example");
  ASSERT_TRUE(buckets_->find(kId, within(10s)).is_ok());
  run("UPDATE lakehouse.stores SET endpoint = 'https://evil.example'");
  EXPECT_EQ(error_of(kId), ErrorCode::kUnauthenticated);
  run("UPDATE lakehouse.stores SET endpoint = 'https://a.example', secret = NULL");
  EXPECT_EQ(error_of(kId), ErrorCode::kUnauthenticated);
  run("DELETE FROM lakehouse.stores");
  EXPECT_EQ(error_of(kId), ErrorCode::kNotFound);
}

}  // namespace
}  // namespace lakehouse::worker::test
