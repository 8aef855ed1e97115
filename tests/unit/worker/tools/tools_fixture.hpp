// SPDX-License-Identifier: PostgreSQL
// Tools over the database that the extension lives in, with a tenant of the test's own. The audit
// log is a list in memory.
#pragma once

#include <libpq-fe.h>
#include <spdlog/sinks/ostream_sink.h>

#include <memory>
#include <mutex>
#include <random>
#include <sstream>
#include <string>
#include <vector>

#include "worker/db/database_fixture.hpp"
#include "worker/json/value.hpp"
#include "worker/tools/database_tools.hpp"

namespace lakehouse::worker::test {

class ListedAudit final : public gateway::AuditStore {
 public:
  Result<std::int64_t> record(wire::RecordAudit record) override {
    const std::scoped_lock lock(mutex_);
    if (is_full) return Error{ErrorCode::kUnavailable, "could not write the audit log", "", ""};
    records_.push_back(std::move(record));
    return static_cast<std::int64_t>(records_.size());
  }
  Result<wire::AuditReport> verify(const std::string&, const Context&) override {
    return wire::AuditReport{};
  }
  std::vector<wire::RecordAudit> records() {
    const std::scoped_lock lock(mutex_);
    return records_;
  }

  std::atomic<bool> is_full = false;

 private:
  std::mutex mutex_;
  std::vector<wire::RecordAudit> records_;
};

class ToolsTest : public testing::Test {
 protected:
  void SetUp() override {
    auto server = server_under_test();
    ASSERT_TRUE(server.has_value());
    superuser_ = std::make_unique<db::Pool>(*server);
    slug_ = "ut" + std::to_string(std::random_device()());
    run("SELECT lakehouse.create_tenant($1)", {db::Value::text(slug_)});
    for (const char* kind : {"admin", "member", "readonly", "agent"}) {
      run("SELECT lakehouse.create_user($1, $2 || '@ut.example', $2, $2)",
          {db::Value::text(slug_), db::Value::text(kind)});
    }
    target_ = *std::move(server);
    target_.user = "lakehouse_worker";
    tools_ = std::make_unique<tools::DatabaseTools>(target_, audit_, log_);
  }
  void TearDown() override {
    tools_.reset();
    if (!slug_.empty()) run("SELECT lakehouse.drop_tenant($1)", {db::Value::text(slug_)});
  }

  static Context within(std::chrono::milliseconds span) { return {Deadline::in(span), {}, {}}; }

  db::Rows run(const std::string& sql, const std::vector<db::Value>& values = {}) {
    auto rows = superuser_->query(sql.c_str(), values, within(30s));
    EXPECT_TRUE(rows.is_ok()) << sql << ": " << rows.error().message;
    return *std::move(rows);
  }
  std::string text(const std::string& sql) { return run(sql).row(0).text(); }

  oauth::Identity caller(const std::string& kind) {
    oauth::Identity identity;
    identity.client_id = "crm_test";
    identity.client_name = "Test";
    identity.tenant = slug_;
    identity.tenant_id =
        text("SELECT id::text FROM lakehouse.tenants WHERE slug = '" + slug_ + "'");
    auto rows = run("SELECT id::text, email, full_name, pg_role::text FROM " + slug_ +
                    ".users WHERE role = '" + kind + "'");
    db::Row row = rows.row(0);
    identity.user_id = row.text();
    identity.email = row.text();
    identity.full_name = row.text();
    identity.role = row.text();
    identity.scopes = {"crm:read", "crm:write", "warehouse:query"};
    identity.token_id = token_of(identity);
    return identity;
  }

  // The row of a token alone; nobody has it.
  std::int64_t token_of(const oauth::Identity& identity) {
    const std::string client = text("SELECT 'crm_' || md5('" + slug_ + "')");
    run("INSERT INTO lakehouse.oauth_clients (client_id, tenant_id, name, kind, redirect_uris, "
        "scopes) VALUES ($1, $2::uuid, $1, 'public', '{https://client.example/}', '{crm:read}') "
        "ON CONFLICT DO NOTHING",
        {db::Value::text(client), db::Value::text(identity.tenant_id)});
    return run("WITH granted AS (INSERT INTO lakehouse.oauth_grants (client_id, tenant_id, "
               "user_id, "
               "scopes, resource) VALUES ($1, $2::uuid, $3::uuid, '{crm:read}', "
               "'https://a.example') "
               "RETURNING id) INSERT INTO lakehouse.oauth_access_tokens (token_hash, grant_id, "
               "scopes, expires_at) SELECT sha256(id::text::bytea), id, '{crm:read}', now() + "
               "interval '1 hour' FROM granted RETURNING id",
               {db::Value::text(client), db::Value::text(identity.tenant_id),
                db::Value::text(identity.user_id)})
        .row(0)
        .integer();
  }

  // By its name, as a client would.
  tools::Outcome call(const oauth::Identity& who, const std::string& name,
                      const std::string& arguments = "{}", tools::Listener* listener = nullptr) {
    return call_by(*tools_, who, name, arguments, listener);
  }
  tools::Outcome call_by(tools::DatabaseTools& worker, const oauth::Identity& who,
                         const std::string& name, const std::string& arguments,
                         tools::Listener* listener = nullptr) {
    auto found = worker.find(who, name, within(30s));
    EXPECT_TRUE(found.is_ok()) << found.error().message << " " << found.error().detail;
    EXPECT_TRUE(*found) << name;
    tools::Invocation invocation;
    invocation.arguments = arguments;
    invocation.listener = listener;
    auto outcome = worker.call(who, **found, invocation, within(30s));
    EXPECT_TRUE(outcome.is_ok()) << outcome.error().message << " " << outcome.error().detail;
    return outcome ? *outcome : tools::Outcome{};
  }
  static std::string code_of(const tools::Outcome& outcome) {
    return outcome.failure ? outcome.failure->code : "";
  }

  json::Value parsed(const tools::Outcome& outcome) {
    EXPECT_FALSE(outcome.failure) << outcome.failure->code << " " << outcome.failure->message << " "
                                  << outcome.failure->details;
    auto value = json::parse(outcome.content);
    EXPECT_TRUE(value.is_ok()) << outcome.content;
    return value ? *value : json::Value{};
  }

  // A tool of the test's own: a function in SQL or PL/pgSQL with $1 as its arguments.
  tools::Tool add_function(const std::string& name, const std::string& body, bool is_read_only) {
    functions_.push_back(name);
    run("CREATE OR REPLACE FUNCTION lakehouse." + name +
        "(arguments jsonb) RETURNS jsonb LANGUAGE "
        "plpgsql AS $body$ BEGIN " +
        body + " END $body$");
    run("GRANT EXECUTE ON FUNCTION lakehouse." + name + " TO lakehouse_user");
    tools::Tool tool;
    tool.name = name;
    tool.kind = "function";
    tool.function = "lakehouse." + name;
    tool.is_read_only = is_read_only;
    return tool;
  }
  void drop_functions() {
    for (const std::string& name : functions_) run("DROP FUNCTION lakehouse." + name);
    functions_.clear();
  }

  std::unique_ptr<db::Pool> superuser_;
  db::Target target_;
  std::string slug_;
  std::vector<std::string> functions_;
  ListedAudit audit_;
  std::ostringstream log_text_;
  log::Log log_{std::make_shared<spdlog::sinks::ostream_sink_mt>(log_text_)};
  std::unique_ptr<tools::DatabaseTools> tools_;
};

}  // namespace lakehouse::worker::test
