// SPDX-License-Identifier: PostgreSQL
// From connection rows in a real database, with secrets in a real vault, to warehouses.
#include "worker/warehouses/registry.hpp"

#include <spdlog/sinks/ostream_sink.h>

#include <atomic>
#include <sstream>

#include "worker/db/database_fixture.hpp"
#include "worker/eventually.hpp"
#include "worker/gateway/scripted_warehouse.hpp"
#include "worker/secrets/keeper.hpp"
#include "worker/temporary_directory.hpp"
#include "worker/warehouses/engines.hpp"
#include "worker/warehouses/revocation_watch.hpp"

namespace lakehouse::worker::test {
namespace {

constexpr const char* kId = "00000000-0000-0000-0000-000000000001";

class DatabaseRegistry : public DatabaseTest {
 protected:
  void SetUp() override {
    ASSERT_NO_FATAL_FAILURE(DatabaseTest::SetUp());
    create_tables();
    const std::string key = directory_.path() + "/key";
    ASSERT_TRUE(vault::Vault::create_file_if_missing(key).is_ok());
    vault_ = *vault::Vault::open_file(key);
    keeper_ = std::make_unique<secrets::Keeper>(*pool_, *vault_);
    registry_ = std::make_unique<warehouses::Registry>(
        *pool_, *vault_,
        [this](const warehouses::ConnectionRow& row,
               Secret secret) -> Result<warehouses::SharedWarehouse> {
          rows_.push_back(row);
          secrets_.emplace_back(secret.reveal());
          return make_scripted_warehouse(script_);
        });
  }
  void TearDown() override {
    registry_.reset();
    keeper_.reset();
    DatabaseTest::TearDown();
  }
  void store(const std::string& secret) {
    const auto version = keeper_->store("acme", "lake", Secret(secret), within(10s));
    ASSERT_TRUE(version.is_ok()) << version.error().message;
  }
  Error error_of(const std::string& id) {
    const auto found = registry_->find(id, within(10s));
    EXPECT_FALSE(found.is_ok());
    return found ? Error{} : found.error();
  }

  TemporaryDirectory directory_;
  Script script_;
  std::unique_ptr<vault::Vault> vault_;
  std::unique_ptr<secrets::Keeper> keeper_;
  std::unique_ptr<warehouses::Registry> registry_;
  std::vector<warehouses::ConnectionRow> rows_;
  std::vector<std::string> secrets_;
};

TEST_F(DatabaseRegistry, builds_a_warehouse_from_row_and_secret) {
  store("token-1");
  const auto found = registry_->find(kId, within(10s));
  ASSERT_TRUE(found.is_ok()) << found.error().message;
  EXPECT_EQ(found->catalog, "main");
  EXPECT_EQ(found->schema, "sales");
  ASSERT_EQ(rows_.size(), 1U);
  EXPECT_EQ(rows_[0].endpoint, "https://a.example");
  EXPECT_EQ(rows_[0].username, "");
  EXPECT_EQ(secrets_[0], "token-1");
}

TEST_F(DatabaseRegistry, shares_the_warehouse_while_the_row_stays) {
  store("token-1");
  const auto first = registry_->find(kId, within(10s));
  const auto second = registry_->find(kId, within(10s));
  EXPECT_EQ(first->warehouse, second->warehouse);
  EXPECT_EQ(rows_.size(), 1U);
}

TEST_F(DatabaseRegistry, builds_anew_when_the_secret_changes) {
  store("token-1");
  const auto first = registry_->find(kId, within(10s));
  store("token-2");
  const auto second = registry_->find(kId, within(10s));
  EXPECT_NE(first->warehouse, second->warehouse);
  EXPECT_EQ(secrets_.back(), "token-2");
}

TEST_F(DatabaseRegistry, builds_anew_when_the_row_changes) {
  store("token-1");
  ASSERT_TRUE(registry_->find(kId, within(10s)).is_ok());
  run("UPDATE lakehouse.warehouse_connections SET warehouse = 'w2'");
  ASSERT_TRUE(registry_->find(kId, within(10s)).is_ok());
  EXPECT_EQ(rows_.back().warehouse, "w2");
}

TEST_F(DatabaseRegistry, sends_no_secret_to_an_endpoint_it_was_not_stored_for) {
  store("token-1");
  ASSERT_TRUE(registry_->find(kId, within(10s)).is_ok());
  run("UPDATE lakehouse.warehouse_connections SET endpoint = 'https://b.example'");
  EXPECT_EQ(error_of(kId).code, ErrorCode::kUnauthenticated);
  EXPECT_EQ(rows_.size(), 1U);
}

TEST_F(DatabaseRegistry, takes_a_secret_stored_for_the_new_endpoint) {
  store("token-1");
  run("UPDATE lakehouse.warehouse_connections SET endpoint = 'https://b.example'");
  store("token-2");
  ASSERT_TRUE(registry_->find(kId, within(10s)).is_ok());
  EXPECT_EQ(rows_.back().endpoint, "https://b.example");
}

TEST_F(DatabaseRegistry, knows_no_unknown_connection) {
  EXPECT_EQ(error_of("00000000-0000-0000-0000-00000000000f").code, ErrorCode::kNotFound);
}

TEST_F(DatabaseRegistry, refuses_an_id_that_is_no_uuid) {
  EXPECT_EQ(error_of("x' OR true --").code, ErrorCode::kInvalidArgument);
}

TEST_F(DatabaseRegistry, forgets_a_dropped_connection_at_once) {
  store("token-1");
  ASSERT_TRUE(registry_->find(kId, within(10s)).is_ok());
  run("DELETE FROM lakehouse.warehouse_connections");
  EXPECT_EQ(error_of(kId).code, ErrorCode::kNotFound);
}

TEST_F(DatabaseRegistry, says_how_to_store_a_missing_secret) {
  const Error error = error_of(kId);
  EXPECT_EQ(error.code, ErrorCode::kUnauthenticated);
  EXPECT_NE(error.hint.find("lakehouse-worker secret set"), std::string::npos);
}

TEST_F(DatabaseRegistry, refuses_a_secret_moved_from_another_row) {
  store("token-1");
  run("INSERT INTO lakehouse.warehouse_connections (tenant_id, id, name, engine, endpoint, auth, "
      "secret, secret_version) SELECT tenant_id, '00000000-0000-0000-0000-000000000002', 'copy', "
      "engine, "
      "endpoint, auth, secret, secret_version FROM lakehouse.warehouse_connections");
  EXPECT_EQ(error_of("00000000-0000-0000-0000-000000000002").code, ErrorCode::kUnauthenticated);
}

TEST_F(DatabaseRegistry, refuses_a_secret_of_an_older_version) {
  store("token-1");
  run("UPDATE lakehouse.warehouse_connections SET secret_version = 2");
  EXPECT_EQ(error_of(kId).code, ErrorCode::kUnauthenticated);
}

TEST_F(DatabaseRegistry, keeper_counts_versions_up_and_resets_the_status) {
  store("token-1");
  store("token-2");
  EXPECT_EQ(count("SELECT secret_version FROM lakehouse.warehouse_connections"), 2);
  EXPECT_EQ(count("SELECT count(*) FROM lakehouse.warehouse_connections WHERE status = 'untested'"),
            1);
}

TEST_F(DatabaseRegistry, keeper_stores_only_ciphertext) {
  store("canary");
  EXPECT_EQ(
      count(
          "SELECT position('canary'::bytea IN secret)::int4 FROM lakehouse.warehouse_connections"),
      0);
}

TEST_F(DatabaseRegistry, keeper_knows_no_unknown_tenant_or_connection) {
  EXPECT_EQ(keeper_->store("other", "lake", Secret("x"), within(10s)).error().code,
            ErrorCode::kNotFound);
  EXPECT_EQ(keeper_->store("acme", "none", Secret("x"), within(10s)).error().code,
            ErrorCode::kNotFound);
}

TEST_F(DatabaseRegistry, keeper_gives_each_of_many_writers_a_version) {
  std::vector<std::jthread> writers;
  for (int i = 0; i < 8; ++i) {
    writers.emplace_back([this] { store("token"); });
  }
  writers.clear();
  EXPECT_EQ(count("SELECT secret_version FROM lakehouse.warehouse_connections"), 8);
  EXPECT_TRUE(registry_->find(kId, within(10s)).is_ok());
}

class Engines : public testing::Test {
 protected:
  Error error_of(warehouses::ConnectionRow row) {
    const auto built = connect_(row, Secret("x"));
    EXPECT_FALSE(built.is_ok());
    return built ? Error{} : built.error();
  }
  warehouses::ConnectionRow row_{"t",     "i",     "databricks", "https://a.example", "w1", "main",
                                 "sales", "token", "",           std::nullopt,        1};
  std::unique_ptr<lakehouse::http::Client> client_ = *lakehouse::http::Client::create({});
  warehouse::ParsePool pool_{1};
  warehouses::Connect connect_ = warehouses::connect_by_engine(*client_, pool_);
};

TEST_F(Engines, build_databricks_with_either_way_to_sign_in) {
  EXPECT_TRUE(connect_(row_, Secret("x")).is_ok());
  row_.auth = "client_credentials";
  row_.username = "client";
  EXPECT_TRUE(connect_(row_, Secret("x")).is_ok());
}

TEST_F(Engines, refuse_an_unknown_engine) {
  row_.engine = "abacus";
  EXPECT_NE(error_of(row_).message.find("engine \"abacus\""), std::string::npos);
}

TEST_F(Engines, refuse_an_unknown_way_to_sign_in) {
  row_.auth = "smile";
  EXPECT_NE(error_of(row_).message.find("auth \"smile\""), std::string::npos);
}

TEST_F(DatabaseRegistry, trusts_neither_of_two_rows_with_one_id) {
  store("token-1");
  run("INSERT INTO lakehouse.tenants (slug) VALUES ('other')");
  run("INSERT INTO lakehouse.warehouse_connections (tenant_id, id, name, engine, endpoint, auth) "
      "SELECT t.id, c.id, 'evil', 'databricks', 'https://b.example', 'token' "
      "FROM lakehouse.tenants t, lakehouse.warehouse_connections c WHERE t.slug = 'other'");
  EXPECT_EQ(error_of(kId).code, ErrorCode::kPermissionDenied);
  EXPECT_TRUE(rows_.empty());
}

TEST_F(DatabaseRegistry, refuses_a_revoked_connection_and_forgets_its_warehouse) {
  store("token-1");
  ASSERT_TRUE(registry_->find(kId, within(10s)).is_ok());
  run("UPDATE lakehouse.warehouse_connections SET secret = NULL, status = 'revoked'");
  const Error error = error_of(kId);
  EXPECT_EQ(error.code, ErrorCode::kUnauthenticated);
  EXPECT_EQ(error.message, "warehouse connection was revoked");
  EXPECT_TRUE(registry_->connections().empty());
  store("token-2");
  EXPECT_TRUE(registry_->find(kId, within(10s)).is_ok());
}

// Long before the next look that needs no notification.
TEST_F(DatabaseRegistry, watch_ends_the_uses_of_a_revoked_connection_when_notified) {
  store("token-1");
  ASSERT_TRUE(registry_->find(kId, within(10s)).is_ok());
  gateway::Uses uses;
  std::atomic<int> ended = 0, others = 0;
  const auto use = uses.enter("{00000000-0000-0000-0000-000000000001}", [&](const Error& reason) {
    EXPECT_EQ(reason.code, ErrorCode::kUnauthenticated);
    ++ended;
  });
  const auto other = uses.enter("c1", [&](const Error&) { ++others; });
  std::ostringstream text;
  log::Log log(std::make_shared<spdlog::sinks::ostream_sink_mt>(text));
  const warehouses::RevocationWatch watch(target_, uses, *registry_, log);
  ASSERT_TRUE(eventually([this] {
    return count(
               "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
               "AND state = 'idle' AND query LIKE 'SELECT k.id%'") == 1;
  }));
  run("UPDATE lakehouse.warehouse_connections SET secret = NULL, status = 'revoked'");
  EXPECT_EQ(ended, 0);
  run("NOTIFY lakehouse_connections");
  EXPECT_TRUE(eventually([&ended] { return ended > 0; }));
  EXPECT_EQ(others, 0);
  EXPECT_TRUE(registry_->connections().empty());
}

TEST_F(DatabaseRegistry, watch_finds_what_was_dropped_before_it_listened) {
  gateway::Uses uses;
  std::atomic<bool> is_dropped = false;
  const auto use = uses.enter("00000000-0000-0000-0000-00000000000F", [&](const Error& reason) {
    is_dropped = reason.code == ErrorCode::kNotFound;
  });
  std::ostringstream text;
  log::Log log(std::make_shared<spdlog::sinks::ostream_sink_mt>(text));
  const warehouses::RevocationWatch watch(target_, uses, *registry_, log);
  EXPECT_TRUE(eventually([&is_dropped] { return is_dropped.load(); }));
}

}  // namespace
}  // namespace lakehouse::worker::test
