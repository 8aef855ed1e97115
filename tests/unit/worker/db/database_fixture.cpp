// SPDX-License-Identifier: PostgreSQL
// Creates and drops the test's database.
#include "worker/db/database_fixture.hpp"

#include <libpq-fe.h>
#include <unistd.h>

#include <cstdlib>
#include <memory>
#include <random>

namespace lakehouse::worker::test {
namespace {

constexpr const char* kVariable = "LAKEHOUSE_TEST_PG";

void apply(db::Target& target, const std::string& keyword, const char* value) {
  if (keyword == "host") target.host = value;
  if (keyword == "port") target.port = static_cast<std::uint16_t>(std::atoi(value));
  if (keyword == "dbname") target.database = value;
  if (keyword == "user") target.user = value;
  if (keyword == "password") target.password = Secret(value);
}

void administer(const db::Target& server, const std::string& sql) {
  const Context context{Deadline::in(30s), {}, {}};
  auto connection = db::Connection::open(server, context);
  ASSERT_TRUE(connection.is_ok()) << connection.error().message << " " << connection.error().detail;
  const auto done = connection->query(sql.c_str(), {}, context);
  ASSERT_TRUE(done.is_ok()) << done.error().message;
}

}  // namespace

std::optional<db::Target> server_under_test() {
  const char* text = std::getenv(kVariable);
  if (text == nullptr) {
    ADD_FAILURE() << "set " << kVariable << " to the connection string of a superuser, for example "
                  << "\"host=/run/postgresql port=5432 dbname=postgres user=postgres\"";
    return std::nullopt;
  }
  const std::unique_ptr<PQconninfoOption, decltype(&PQconninfoFree)> options(
      PQconninfoParse(text, nullptr), PQconninfoFree);
  if (!options) {
    ADD_FAILURE() << kVariable << " is no libpq connection string";
    return std::nullopt;
  }
  db::Target target{"", 5432, "postgres", "postgres", Secret()};
  for (const PQconninfoOption* option = options.get(); option->keyword != nullptr; ++option) {
    if (option->val != nullptr) apply(target, option->keyword, option->val);
  }
  return target;
}

void DatabaseTest::SetUp() {
  auto server = server_under_test();
  ASSERT_TRUE(server.has_value());
  server_ = *std::move(server);
  const std::string name =
      "lakehouse_unit_" + std::to_string(::getpid()) + "_" + std::to_string(std::random_device()());
  ASSERT_NO_FATAL_FAILURE(administer(server_, "CREATE DATABASE " + name));
  target_ = server_;
  target_.database = name;
  pool_ = std::make_unique<db::Pool>(target_);
}

void DatabaseTest::TearDown() {
  pool_.reset();
  if (!target_.database.empty()) {
    administer(server_, "DROP DATABASE " + target_.database + " WITH (FORCE)");
  }
}

db::Connection DatabaseTest::connect() {
  auto connection = db::Connection::open(target_, within(10s));
  EXPECT_TRUE(connection.is_ok()) << connection.error().message;
  return *std::move(connection);
}

db::Rows DatabaseTest::run(const char* sql, const std::vector<db::Value>& values) {
  auto rows = pool_->query(sql, values, within(10s));
  EXPECT_TRUE(rows.is_ok()) << rows.error().message;
  return *std::move(rows);
}

std::int64_t DatabaseTest::count(const char* sql, const std::vector<db::Value>& values) {
  return run(sql, values).row(0).integer();
}

void DatabaseTest::create_tables() {
  run("CREATE SCHEMA lakehouse");
  run("CREATE TABLE lakehouse.tenants (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), "
      "slug text NOT NULL UNIQUE)");
  run("CREATE TABLE lakehouse.warehouse_connections (tenant_id uuid NOT NULL REFERENCES "
      "lakehouse.tenants, id uuid NOT NULL DEFAULT gen_random_uuid(), name text NOT NULL, "
      "engine text NOT NULL, endpoint text NOT NULL, warehouse text, catalog text, schema text, "
      "auth text NOT NULL, username text, secret bytea, secret_version bigint NOT NULL DEFAULT 0, "
      "status text NOT NULL DEFAULT 'untested', updated_at timestamptz NOT NULL DEFAULT now(), "
      "PRIMARY KEY (tenant_id, id), UNIQUE (tenant_id, name))");
  run("CREATE FUNCTION lakehouse.sealing_key_id(envelope bytea) RETURNS bigint LANGUAGE sql "
      "IMMUTABLE STRICT RETURN (get_byte(envelope, 4)::bigint << 24) + (get_byte(envelope, 5) << "
      "16) + (get_byte(envelope, 6) << 8) + get_byte(envelope, 7)");
  run("CREATE TABLE lakehouse.master_key_log (key_id bigint NOT NULL, event text NOT NULL, "
      "at timestamptz NOT NULL DEFAULT now())");
  run("CREATE TABLE lakehouse.stores (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), tenant_id "
      "uuid NOT NULL REFERENCES lakehouse.tenants, url text NOT NULL, endpoint text NOT NULL, "
      "region text NOT NULL, path_style boolean NOT NULL, access_key_id text NOT NULL, "
      "secret bytea, secret_version bigint NOT NULL DEFAULT 0, role_arn text)");
  run("CREATE VIEW lakehouse.master_keys AS SELECT lakehouse.sealing_key_id(secret) AS key_id, "
      "count(*) AS secrets FROM (SELECT secret FROM lakehouse.warehouse_connections UNION ALL "
      "SELECT secret FROM lakehouse.stores) s WHERE secret IS NOT NULL GROUP BY 1");
  run("INSERT INTO lakehouse.tenants (slug) VALUES ('acme')");
  run("INSERT INTO lakehouse.warehouse_connections (tenant_id, id, name, engine, endpoint, "
      "warehouse, catalog, schema, auth, status) SELECT id, "
      "'00000000-0000-0000-0000-000000000001', 'lake', 'databricks', 'https://a.example', 'w1', "
      "'main', 'sales', 'token', 'active' FROM lakehouse.tenants");
}

}  // namespace lakehouse::worker::test
