// SPDX-License-Identifier: PostgreSQL
// Keys that come and go: the vault that reads them again, and stored secrets that follow.
#include "worker/secrets/rotation.hpp"

#include <spdlog/sinks/ostream_sink.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include "core/vault/key_file.hpp"
#include "worker/db/database_fixture.hpp"
#include "worker/eventually.hpp"
#include "worker/secrets/keeper.hpp"
#include "worker/temporary_directory.hpp"
#include "worker/warehouses/connection_row.hpp"

namespace lakehouse::worker::test {
namespace {

constexpr int kRows = 400;

class LiveKeys {
 public:
  LiveKeys() {
    EXPECT_TRUE(vault::Vault::create_file_if_missing(path()).is_ok());
    vault_ = open();
  }
  std::string path() const { return directory_.path() + "/master.key"; }
  std::unique_ptr<secrets::LiveVault> open() {
    auto opened = secrets::LiveVault::open({{}, path(), directory_.path()}, log_);
    EXPECT_TRUE(opened.is_ok());
    return *std::move(opened);
  }
  std::uint32_t add_key() { return *vault::add_key_to_file(path(), 0); }
  // As an editor does it, in another file.
  void replace_file(const std::string& text, mode_t mode) {
    const std::string draft = path() + ".draft";
    std::ofstream(draft) << text;
    ASSERT_EQ(::chmod(draft.c_str(), mode), 0);
    std::filesystem::rename(draft, path());
  }

  TemporaryDirectory directory_;
  std::ostringstream log_text_;
  log::Log log_{std::make_shared<spdlog::sinks::ostream_sink_mt>(log_text_)};
  std::unique_ptr<secrets::LiveVault> vault_;
};

const vault::Place kPlace{"00000000-0000-0000-0000-00000000000a", "test", "row", "column", 1};

TEST(LiveVault, takes_a_new_key_when_it_looks_at_the_file) {
  LiveKeys keys;
  EXPECT_EQ(keys.vault_->writing_key_id(), 1U);
  EXPECT_EQ(keys.add_key(), 2U);
  EXPECT_EQ(keys.vault_->writing_key_id(), 1U);
  keys.vault_->refresh();
  EXPECT_EQ(keys.vault_->writing_key_id(), 2U);
  const std::uint64_t generation = keys.vault_->generation();
  keys.vault_->refresh();
  EXPECT_EQ(keys.vault_->generation(), generation);
}

TEST(LiveVault, looks_by_itself_when_an_envelope_names_a_key_it_lacks) {
  LiveKeys keys;
  const auto other = keys.open();
  keys.add_key();
  other->refresh();
  const auto envelope = other->seal(Secret("text"), kPlace);
  ASSERT_TRUE(envelope.is_ok());
  const auto opened = keys.vault_->open(*envelope, kPlace);
  ASSERT_TRUE(opened.is_ok());
  EXPECT_EQ(opened->reveal(), "text");
}

TEST(LiveVault, keeps_its_keys_when_the_file_may_not_be_used) {
  LiveKeys keys;
  const auto envelope = keys.vault_->seal(Secret("text"), kPlace);
  keys.replace_file("1 " + std::string(64, 'a') + "\n", 0440);
  keys.vault_->refresh();
  EXPECT_FALSE(keys.vault_->reload().is_ok());
  EXPECT_TRUE(keys.vault_->open(*envelope, kPlace).is_ok());
  EXPECT_NE(keys.log_text_.str().find("could not use master key file"), std::string::npos);
  EXPECT_EQ(keys.log_text_.str().find("aaaa"), std::string::npos);
  std::filesystem::remove(keys.path());
  keys.vault_->refresh();
  EXPECT_TRUE(keys.vault_->open(*envelope, kPlace).is_ok());
}

class DatabaseRotation : public DatabaseTest {
 protected:
  void SetUp() override {
    ASSERT_NO_FATAL_FAILURE(DatabaseTest::SetUp());
    create_tables();
    run("INSERT INTO lakehouse.warehouse_connections (tenant_id, name, engine, endpoint, "
        "warehouse, auth) SELECT t.id, 'k' || n, 'databricks', 'https://a.example', 'w', 'token' "
        "FROM lakehouse.tenants t, generate_series(1, $1::bigint) n",
        {db::Value::integer(kRows)});
    secrets::Keeper keeper(*pool_, *keys_.vault_);
    for (int i = 1; i <= kRows; ++i) {
      const std::string name = "k" + std::to_string(i);
      ASSERT_TRUE(keeper.store("acme", name, Secret(name), within(10s)).is_ok());
    }
  }

  std::int64_t sealed_with(std::uint32_t id) {
    return count(
        "SELECT count(*) FROM lakehouse.warehouse_connections WHERE "
        "lakehouse.sealing_key_id(secret) = $1::bigint",
        {db::Value::integer(id)});
  }
  // Every secret opens with the keys of `vault` in its place and version, and is its row's name.
  void expect_all_open(const vault::Vault& vault) {
    const auto rows =
        run("SELECT tenant_id::text, id::text, endpoint, name, secret, secret_version "
            "FROM lakehouse.warehouse_connections WHERE secret IS NOT NULL");
    ASSERT_EQ(rows.count(), kRows);
    for (int i = 0; i < rows.count(); ++i) {
      db::Row row = rows.row(i);
      warehouses::ConnectionRow read;
      read.tenant_id = row.text();
      read.id = row.text();
      read.endpoint = row.text();
      const std::string name = row.text();
      read.secret = row.bytes_or_null();
      const std::int64_t version = row.integer();
      EXPECT_EQ(version, 1);
      const auto opened = vault.open(*read.secret, read.secret_place(version));
      ASSERT_TRUE(opened.is_ok()) << name;
      EXPECT_EQ(opened->reveal(), name);
    }
  }

  LiveKeys keys_;
  metrics::Counters counters_;
};

TEST_F(DatabaseRotation, several_workers_reseal_each_row_once) {
  keys_.add_key();
  std::vector<std::thread> workers;
  std::vector<std::uint64_t> resealed(3);
  for (std::uint64_t& rows : resealed) {
    workers.emplace_back([this, &rows] {
      db::Pool pool(target_);
      const auto vault = keys_.open();
      const auto outcome = secrets::Resealer(pool, *vault, counters_).run(within(60s));
      EXPECT_TRUE(outcome.is_ok());
      if (outcome) rows = outcome->resealed;
    });
  }
  for (std::thread& worker : workers) worker.join();
  EXPECT_EQ(resealed[0] + resealed[1] + resealed[2], std::uint64_t{kRows});
  EXPECT_EQ(counters_.secrets_resealed, std::uint64_t{kRows});
  EXPECT_EQ(sealed_with(2), kRows);
  keys_.vault_->refresh();
  expect_all_open(*keys_.vault_);
}

TEST_F(DatabaseRotation, secrets_of_stores_are_resealed_too) {
  run("INSERT INTO lakehouse.stores (tenant_id, url, endpoint, region, path_style, access_key_id) "
      "SELECT id, 's3://lake', 'https://a.example', 'eu-west-1', true, 'AKID' "
      "FROM lakehouse.tenants");
  const auto found = run("SELECT tenant_id::text, id::text FROM lakehouse.stores");
  db::Row row = found.row(0);
  const std::string tenant = row.text();
  const vault::Place place{tenant, "stores", row.text(), "secret for https://a.example", 1};
  const auto envelope = keys_.vault_->seal(Secret("s3cret"), place);
  ASSERT_TRUE(envelope.is_ok());
  run("UPDATE lakehouse.stores SET secret = $1, secret_version = 1", {db::Value::bytes(*envelope)});
  secrets::MasterKeys master_keys(*keys_.vault_, *pool_, keys_.log_);
  keys_.add_key();
  keys_.vault_->refresh();
  ASSERT_FALSE(master_keys.retire(1, within(10s)).is_ok());
  const auto outcome = secrets::Resealer(*pool_, *keys_.vault_, counters_).run(within(60s));
  ASSERT_TRUE(outcome.is_ok()) << outcome.error().message;
  EXPECT_EQ(outcome->resealed, std::uint64_t{kRows + 1});
  EXPECT_EQ(outcome->left, 0U);
  const auto resealed = run("SELECT secret FROM lakehouse.stores");
  const auto opened = keys_.vault_->open(*resealed.row(0).bytes_or_null(), place);
  ASSERT_TRUE(opened.is_ok());
  EXPECT_EQ(opened->reveal(), "s3cret");
  EXPECT_TRUE(master_keys.retire(1, within(10s)).is_ok());
}

TEST_F(DatabaseRotation, locked_and_unreadable_rows_are_left_and_counted) {
  auto locking = connect();
  ASSERT_TRUE(locking.query("BEGIN", {}, within(5s)).is_ok());
  ASSERT_TRUE(locking
                  .query("SELECT FROM lakehouse.warehouse_connections WHERE name = 'k1' FOR UPDATE",
                         {}, within(5s))
                  .is_ok());
  run("UPDATE lakehouse.warehouse_connections SET endpoint = 'https://b.example' "
      "WHERE name IN ('k2', 'k3')");
  keys_.add_key();
  keys_.vault_->refresh();
  secrets::Resealer resealer(*pool_, *keys_.vault_, counters_);
  const auto outcome = resealer.run(within(60s));
  ASSERT_TRUE(outcome.is_ok());
  EXPECT_EQ(outcome->resealed, std::uint64_t{kRows - 3});
  EXPECT_EQ(outcome->unreadable, 2U);
  EXPECT_EQ(outcome->left, 3U);
}

TEST_F(DatabaseRotation, older_vault_never_undoes_a_newer_key) {
  const auto behind = keys_.open();
  keys_.add_key();
  keys_.vault_->refresh();
  secrets::Resealer ahead(*pool_, *keys_.vault_, counters_);
  ASSERT_TRUE(ahead.run(within(60s)).is_ok());
  const auto outcome = secrets::Resealer(*pool_, *behind, counters_).run(within(60s));
  ASSERT_TRUE(outcome.is_ok());
  EXPECT_EQ(outcome->resealed, 0U);
  EXPECT_EQ(sealed_with(2), kRows);
}

TEST_F(DatabaseRotation, thread_follows_the_file_by_itself) {
  secrets::MasterKeys master_keys(*keys_.vault_, *pool_, keys_.log_);
  secrets::Resealer resealer(*pool_, *keys_.vault_, counters_);
  const secrets::Rotation rotation(*keys_.vault_, master_keys, resealer, keys_.log_);
  keys_.add_key();
  ASSERT_TRUE(eventually([this] { return sealed_with(2) == kRows; }));
  EXPECT_EQ(count("SELECT count(*) FROM lakehouse.master_key_log WHERE event = 'added'"), 2);
  const auto retired = master_keys.retire(1, within(10s));
  ASSERT_TRUE(retired.is_ok()) << retired.error().message;
  EXPECT_TRUE(*retired);
  EXPECT_EQ(keys_.vault_->key_ids(), std::vector<std::uint32_t>{2});
  expect_all_open(*keys_.open());
}

TEST_F(DatabaseRotation, added_key_never_has_the_id_of_one_that_was_logged) {
  run("INSERT INTO lakehouse.master_key_log (key_id, event) VALUES (41, 'retired')");
  secrets::MasterKeys master_keys(*keys_.vault_, *pool_, keys_.log_);
  EXPECT_EQ(*master_keys.add(within(10s)), 42U);
  EXPECT_EQ(keys_.vault_->writing_key_id(), 42U);
  const auto in_use = master_keys.retire(1, within(10s));
  ASSERT_FALSE(in_use.is_ok());
  EXPECT_EQ(in_use.error().message, "master key 1 still encrypts 400 secrets");
  EXPECT_EQ(count("SELECT count(*) FROM lakehouse.master_key_log WHERE event = 'retired'"), 1);
}

TEST_F(DatabaseRotation, retirement_that_was_cut_off_is_finished_by_the_next) {
  keys_.add_key();
  keys_.vault_->refresh();
  secrets::Resealer resealer(*pool_, *keys_.vault_, counters_);
  ASSERT_TRUE(resealer.run(within(60s)).is_ok());
  run("INSERT INTO lakehouse.master_key_log (key_id, event) VALUES (1, 'retired')");
  secrets::MasterKeys master_keys(*keys_.vault_, *pool_, keys_.log_);
  const auto retired = master_keys.retire(1, within(10s));
  ASSERT_TRUE(retired.is_ok()) << retired.error().message;
  EXPECT_TRUE(*retired);
  EXPECT_EQ(count("SELECT count(*) FROM lakehouse.master_key_log WHERE event = 'retired'"), 1);
  EXPECT_EQ(keys_.open()->key_ids(), std::vector<std::uint32_t>{2});
}

}  // namespace
}  // namespace lakehouse::worker::test
