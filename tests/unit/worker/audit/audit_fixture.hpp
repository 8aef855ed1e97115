// SPDX-License-Identifier: PostgreSQL
// A journal over a database of the test's own, with two tenants and a master key.
#pragma once

#include <gtest/gtest.h>
#include <spdlog/sinks/ostream_sink.h>

#include <fstream>
#include <memory>
#include <sstream>
#include <string>

#include "core/vault/vault.hpp"
#include "worker/audit/journal.hpp"
#include "worker/db/database_fixture.hpp"
#include "worker/temporary_directory.hpp"

namespace lakehouse::worker::test {

inline constexpr const char* kAcme = "00000000-0000-4000-8000-00000000000a";
inline constexpr const char* kBolt = "00000000-0000-4000-8000-00000000000b";

class AuditTest : public DatabaseTest {
 protected:
  void SetUp() override {
    DatabaseTest::SetUp();
    create_audit_tables();
    key_file_ = directory_.path() + "/master.key";
    write_keys("1 " + std::string(64, 'a') + "\n");
    open_journal();
  }
  void TearDown() override {
    journal_.reset();
    DatabaseTest::TearDown();
  }

  void create_audit_tables() {
    run("CREATE SCHEMA lakehouse");
    run("CREATE TABLE lakehouse.audit_log (tenant_id uuid NOT NULL, seq bigint NOT NULL, "
        "at timestamptz NOT NULL, audit_id uuid NOT NULL, phase text NOT NULL, "
        "session_role text NOT NULL, role text NOT NULL, application_name text NOT NULL, "
        "statement_hash bytea NOT NULL, statement text NOT NULL, relations text[] NOT NULL, "
        "policy_epoch bigint NOT NULL, code text, sqlstate text, rows bigint NOT NULL, "
        "bytes bigint NOT NULL, duration_us bigint NOT NULL, remote_query_ids text[] NOT NULL, "
        "key_id bigint NOT NULL, previous_hash bytea NOT NULL, hash bytea NOT NULL, "
        "PRIMARY KEY (tenant_id, seq))");
    run("CREATE TABLE lakehouse.audit_heads (tenant_id uuid PRIMARY KEY, seq bigint NOT NULL "
        "DEFAULT 0, hash bytea NOT NULL DEFAULT decode(repeat('00', 32), 'hex'))");
    for (const char* tenant : {kAcme, kBolt}) {
      run("INSERT INTO lakehouse.audit_heads (tenant_id) VALUES ($1::uuid)",
          {db::Value::text(tenant)});
    }
  }

  void write_keys(const std::string& lines) {
    ::unlink(key_file_.c_str());
    std::ofstream(key_file_) << lines;
    ::chmod(key_file_.c_str(), S_IRUSR);
    auto vault = vault::Vault::open_file(key_file_);
    ASSERT_TRUE(vault.is_ok()) << vault.error().message;
    vault_ = *std::move(vault);
  }
  // As a worker that starts anew.
  void open_journal() {
    journal_.reset();
    journal_ = make_journal(head_path());
  }
  std::unique_ptr<audit::Journal> make_journal(const std::string& head_path) {
    return std::make_unique<audit::Journal>(target_, *vault_, std::vector{head_path}, log_);
  }
  std::string head_path() const { return directory_.path() + "/audit-heads"; }

  static wire::RecordAudit record_of(const std::string& tenant, int number) {
    wire::RecordAudit record;
    record.tenant_id = tenant;
    record.audit_id = "10000000-0000-4000-8000-" + padded(number);
    record.phase = static_cast<std::uint8_t>(number % 3);
    record.at_us = 1'780'000'000'123'456 + number;
    record.session_role = "acme_agent_1";
    record.role = "acme_agent";
    record.application_name = "t\u00ebst \"1\"";
    record.statement_hash = std::string(31, '\x01') + "\xFF";
    record.statement = "SELECT o_totalprice FROM tpch.orders WHERE o_orderkey = $1\n";
    record.relations = {"tpch.orders", "acme.\"odd, {name}\"", ""};
    record.policy_epoch = 7;
    if (number % 2 == 0) record.code = "COLUMN_NOT_ALLOW_LISTED";
    if (number % 3 == 0) record.sqlstate = "42501";
    record.rows = number;
    record.bytes = 1LL << 40U;
    record.duration_us = 1234;
    record.remote_query_ids = {"01ef-0001"};
    return record;
  }
  static std::string padded(int number) {
    std::string digits = std::to_string(number);
    return std::string(12 - digits.size(), '0') + digits;
  }

  void append(int count, const std::string& tenant = kAcme) {
    for (int i = 0; i < count; ++i) {
      const auto seq = journal_->record(record_of(tenant, ++last_number_));
      ASSERT_TRUE(seq.is_ok()) << seq.error().message << " " << seq.error().detail;
    }
  }
  wire::AuditReport verify(const std::string& tenant = kAcme) {
    auto report = journal_->verify(tenant, within(10s));
    EXPECT_TRUE(report.is_ok()) << report.error().message;
    return report ? *report : wire::AuditReport{};
  }
  void expect_broken_at(std::int64_t seq, const std::string& how) {
    const auto report = verify();
    EXPECT_FALSE(report.is_intact);
    EXPECT_EQ(report.first_bad_seq, seq) << report.reason;
    EXPECT_NE(report.reason.find(how), std::string::npos) << report.reason;
  }

  TemporaryDirectory directory_;
  std::string key_file_;
  std::unique_ptr<vault::Vault> vault_;
  std::ostringstream log_text_;
  log::Log log_{std::make_shared<spdlog::sinks::ostream_sink_mt>(log_text_)};
  std::unique_ptr<audit::Journal> journal_;
  int last_number_ = 0;
};

}  // namespace lakehouse::worker::test
