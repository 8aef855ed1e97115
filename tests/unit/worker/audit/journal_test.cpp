// SPDX-License-Identifier: PostgreSQL
// Rounds: many sessions, several workers, records that can't be written.
#include <sys/resource.h>

#include <csignal>
#include <thread>

#include "worker/audit/audit_fixture.hpp"

namespace lakehouse::worker::test {
namespace {

class DatabaseAuditJournal : public AuditTest {
 protected:
  // `count` records from each of several sessions at once; how many were answered with a seq.
  int record_from_many(const std::vector<audit::Journal*>& journals, int sessions, int count) {
    std::atomic<int> answered = 0;
    std::vector<std::jthread> threads;
    for (int session = 0; session < sessions; ++session) {
      threads.emplace_back([&, session] {
        audit::Journal& journal = *journals[static_cast<std::size_t>(session) % journals.size()];
        for (int i = 0; i < count; ++i) {
          const char* tenant = (session + i) % 2 == 0 ? kAcme : kBolt;
          if (journal.record(record_of(tenant, session * count + i))) ++answered;
        }
      });
    }
    threads.clear();
    return answered;
  }
};

TEST_F(DatabaseAuditJournal, stores_every_field) {
  wire::RecordAudit record = record_of(kAcme, 6);
  ASSERT_EQ(*journal_->record(record), 1);
  auto rows =
      run("SELECT audit_id::text, phase, session_role, role, application_name, statement_hash, "
          "statement, array_to_string(relations, '|'), policy_epoch, code, sqlstate, rows, bytes, "
          "duration_us, array_to_string(remote_query_ids, '|'), key_id, "
          "to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US') FROM lakehouse.audit_log");
  db::Row row = rows.row(0);
  EXPECT_EQ(row.text(), record.audit_id);
  EXPECT_EQ(row.text(), "intent");
  EXPECT_EQ(row.text(), record.session_role);
  EXPECT_EQ(row.text(), record.role);
  EXPECT_EQ(row.text(), record.application_name);
  EXPECT_EQ(row.bytes_or_null(), record.statement_hash);
  EXPECT_EQ(row.text(), record.statement);
  EXPECT_EQ(row.text(), "tpch.orders|acme.\"odd, {name}\"|");
  EXPECT_EQ(row.integer(), 7);
  EXPECT_EQ(row.text(), "COLUMN_NOT_ALLOW_LISTED");
  EXPECT_EQ(row.text(), "42501");
  EXPECT_EQ(row.integer(), 6);
  EXPECT_EQ(row.integer(), 1LL << 40U);
  EXPECT_EQ(row.integer(), 1234);
  EXPECT_EQ(row.text(), "01ef-0001");
  EXPECT_EQ(row.integer(), 1);
  EXPECT_EQ(row.text(), "2026-05-28 20:26:40.123462");
  EXPECT_TRUE(row.finish().is_ok());
}

TEST_F(DatabaseAuditJournal, stores_no_code_as_null) {
  append(1);
  EXPECT_EQ(count("SELECT count(*) FROM lakehouse.audit_log WHERE code IS NULL "
                  "AND sqlstate IS NULL"),
            1);
  EXPECT_TRUE(verify().is_intact);
}

// The hash was made by another program (HKDF and HMAC of Python).
TEST_F(DatabaseAuditJournal, hash_never_changes) {
  ASSERT_TRUE(journal_->record(record_of(kAcme, 1)).is_ok());
  auto rows = run("SELECT encode(hash, 'hex') FROM lakehouse.audit_log");
  EXPECT_EQ(rows.row(0).text(), "affeffd0bbde7fba7c2af4aff553811f83850ffd8e53a72e24fdfb82bea94ce3");
}

TEST_F(DatabaseAuditJournal, many_sessions_make_one_chain_without_a_gap) {
  EXPECT_EQ(record_from_many({journal_.get()}, 16, 20), 320);
  EXPECT_TRUE(verify(kAcme).is_intact);
  EXPECT_TRUE(verify(kBolt).is_intact);
  EXPECT_EQ(verify(kAcme).records + verify(kBolt).records, 320);
}

TEST_F(DatabaseAuditJournal, several_workers_make_one_chain) {
  const auto other = make_journal(directory_.path() + "/other-heads");
  EXPECT_EQ(record_from_many({journal_.get(), other.get()}, 8, 20), 160);
  for (const char* tenant : {kAcme, kBolt}) {
    EXPECT_TRUE(verify(tenant).is_intact) << verify(tenant).reason;
    EXPECT_TRUE(other->verify(tenant, within(10s))->is_intact);
  }
  EXPECT_EQ(count("SELECT count(*) FROM lakehouse.audit_log"), 160);
}

TEST_F(DatabaseAuditJournal, verifies_while_records_come) {
  std::jthread writing([this] { record_from_many({journal_.get()}, 4, 50); });
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(verify().is_intact) << verify().reason;
}

TEST_F(DatabaseAuditJournal, repeated_record_is_there_once) {
  wire::RecordAudit record = record_of(kAcme, 1);
  ASSERT_EQ(*journal_->record(record), 1);
  append(1, kAcme);
  record.is_repeated = true;
  EXPECT_EQ(*journal_->record(record), 1);
  record.phase = static_cast<std::uint8_t>(wire::AuditPhase::kRefusal);
  EXPECT_EQ(*journal_->record(record), 3);
  EXPECT_TRUE(verify().is_intact);
}

TEST_F(DatabaseAuditJournal, refuses_a_malformed_record) {
  wire::RecordAudit record = record_of("ACME", 1);
  EXPECT_EQ(journal_->record(record).error().code, ErrorCode::kInvalidArgument);
  record = record_of(kAcme, 1);
  record.statement_hash = "short";
  EXPECT_EQ(journal_->record(record).error().code, ErrorCode::kInvalidArgument);
  record = record_of(kAcme, 1);
  record.phase = 3;
  EXPECT_EQ(journal_->record(record).error().code, ErrorCode::kInvalidArgument);
}

TEST_F(DatabaseAuditJournal, refuses_a_tenant_without_a_chain) {
  const auto answer = journal_->record(record_of("00000000-0000-4000-8000-0000000000ff", 1));
  ASSERT_FALSE(answer.is_ok());
  EXPECT_EQ(answer.error().code, ErrorCode::kNotFound);
  EXPECT_EQ(answer.error().message, "could not write the audit log");
}

TEST_F(DatabaseAuditJournal, bad_record_fails_alone) {
  run("ALTER TABLE lakehouse.audit_log ADD CHECK (role <> 'poison')");
  std::atomic<int> good = 0, bad = 0;
  {
    std::vector<std::jthread> threads;
    for (int session = 0; session < 12; ++session) {
      threads.emplace_back([&, session] {
        wire::RecordAudit record = record_of(kAcme, session);
        if (session % 4 == 0) record.role = "poison";
        (journal_->record(record) ? good : bad)++;
      });
    }
  }
  EXPECT_EQ(good, 9);
  EXPECT_EQ(bad, 3);
  EXPECT_TRUE(verify().is_intact);
  EXPECT_EQ(verify().records, 9);
}

TEST_F(DatabaseAuditJournal, ill_formed_text_is_made_well_formed_before_it_is_hashed) {
  wire::RecordAudit record = record_of(kAcme, 1);
  record.role = "caf\xE9";
  record.relations = {"\xFF.t"};
  ASSERT_TRUE(journal_->record(record).is_ok());
  EXPECT_TRUE(verify().is_intact) << verify().reason;
}

TEST_F(DatabaseAuditJournal, refuses_a_zero_byte) {
  wire::RecordAudit record = record_of(kAcme, 1);
  record.statement = std::string("a\0b", 3);
  EXPECT_FALSE(journal_->record(record).is_ok());
  append(1);
  EXPECT_TRUE(verify().is_intact);
}

TEST_F(DatabaseAuditJournal, dropped_table_is_a_failure_and_not_the_end) {
  append(1);
  run("ALTER TABLE lakehouse.audit_log RENAME TO hidden");
  EXPECT_FALSE(journal_->record(record_of(kAcme, 2)).is_ok());
  run("ALTER TABLE lakehouse.hidden RENAME TO audit_log");
  append(1);
  EXPECT_TRUE(verify().is_intact);
  EXPECT_EQ(verify().records, 2);
}

TEST_F(DatabaseAuditJournal, unreachable_database_is_a_failure) {
  target_.port = 1;
  open_journal();
  const auto answer = journal_->record(record_of(kAcme, 1));
  ASSERT_FALSE(answer.is_ok());
  EXPECT_EQ(answer.error().code, ErrorCode::kUnavailable);
}

TEST_F(DatabaseAuditJournal, commits_durably_where_the_server_does_not) {
  run(("ALTER DATABASE " + target_.database + " SET synchronous_commit = off").c_str());
  run("CREATE TABLE lakehouse.seen (setting text)");
  run("CREATE FUNCTION lakehouse.look() RETURNS trigger LANGUAGE plpgsql AS "
      "$$BEGIN INSERT INTO lakehouse.seen SELECT current_setting('synchronous_commit'); "
      "RETURN NULL; END$$");
  run("CREATE TRIGGER look AFTER INSERT ON lakehouse.audit_log EXECUTE FUNCTION lakehouse.look()");
  open_journal();
  append(1);
  EXPECT_EQ(run("SELECT setting FROM lakehouse.seen").row(0).text(), "on");
}

TEST_F(DatabaseAuditJournal, file_of_heads_that_cannot_be_written_is_a_failure) {
  append(1);
  struct sigaction ignored {};
  struct sigaction before {};
  ignored.sa_handler = SIG_IGN;
  ::sigaction(SIGXFSZ, &ignored, &before);
  rlimit limit{};
  ::getrlimit(RLIMIT_FSIZE, &limit);
  const rlimit none{0, limit.rlim_max};
  ::setrlimit(RLIMIT_FSIZE, &none);
  const auto answer = journal_->record(record_of(kAcme, 8));
  ::setrlimit(RLIMIT_FSIZE, &limit);
  ::sigaction(SIGXFSZ, &before, nullptr);
  EXPECT_EQ(answer.error().code, ErrorCode::kUnavailable);
  append(1);
  EXPECT_TRUE(verify().is_intact);
}

TEST_F(DatabaseAuditJournal, file_of_heads_must_be_a_regular_one) {
  journal_ = make_journal("/dev/zero");
  EXPECT_EQ(journal_->record(record_of(kAcme, 1)).error().code, ErrorCode::kUnavailable);
  journal_ = make_journal(directory_.path() + "/nowhere/heads");
  EXPECT_EQ(journal_->record(record_of(kAcme, 2)).error().code, ErrorCode::kUnavailable);
}

TEST_F(DatabaseAuditJournal, second_worker_does_not_share_the_file_of_heads) {
  append(1);
  const auto other = make_journal(head_path());
  EXPECT_EQ(other->record(record_of(kAcme, 9)).error().code, ErrorCode::kUnavailable);
}

TEST_F(DatabaseAuditJournal, verifies_an_empty_chain) {
  const auto report = verify();
  EXPECT_TRUE(report.is_intact);
  EXPECT_EQ(report.records, 0);
  EXPECT_EQ(report.reason, "");
}

}  // namespace
}  // namespace lakehouse::worker::test
