// SPDX-License-Identifier: PostgreSQL
// Whatever is done to a chain in the database, verification finds it and says where.
#include "worker/audit/audit_fixture.hpp"

namespace lakehouse::worker::test {
namespace {

class DatabaseAuditTampering : public AuditTest {
 protected:
  void SetUp() override {
    AuditTest::SetUp();
    append(5);
  }
};

TEST_F(DatabaseAuditTampering, untouched_chain_is_intact) {
  const auto report = verify();
  EXPECT_TRUE(report.is_intact) << report.reason;
  EXPECT_EQ(report.records, 5);
  EXPECT_EQ(report.first_bad_seq, 0);
  EXPECT_EQ(report.reason, "");
}

class DatabaseAuditEditedField : public DatabaseAuditTampering,
                                 public testing::WithParamInterface<const char*> {};

TEST_P(DatabaseAuditEditedField, is_found) {
  const std::string edit =
      std::string("UPDATE lakehouse.audit_log SET ") + GetParam() + " WHERE seq = 3";
  EXPECT_EQ(run(edit.c_str()).changed_count(), 1U);
  expect_broken_at(3, "record 3");
}

INSTANTIATE_TEST_SUITE_P(
    Edits, DatabaseAuditEditedField,
    testing::Values("at = at + interval '1 microsecond'", "audit_id = gen_random_uuid()",
                    "phase = 'outcome'", "session_role = 'somebody'", "role = 'somebody'",
                    "application_name = ''", "statement_hash = '\\x00'", "statement = 'SELECT 1'",
                    "relations = relations || ARRAY['a.b']", "relations = '{}'",
                    "relations = relations || NULL::text",
                    "relations = ARRAY['tpch.orders3:x'] || relations[2:]",
                    "relations = '[0:2]={tpch.orders,\"acme.\\\"odd, {name}\\\"\",\"\"}'",
                    "policy_epoch = 8", "code = 'DDL_FORBIDDEN'", "code = ''", "sqlstate = NULL",
                    "rows = rows + 1", "bytes = 0", "duration_us = 0", "remote_query_ids = '{}'",
                    "key_id = 2", "previous_hash = decode(repeat('00', 32), 'hex')",
                    "hash = decode(repeat('00', 32), 'hex')"));

TEST_F(DatabaseAuditTampering, finds_a_deleted_record) {
  run("DELETE FROM lakehouse.audit_log WHERE seq = 2");
  expect_broken_at(2, "is missing");
}

TEST_F(DatabaseAuditTampering, finds_a_deletion_that_was_closed_by_renumbering) {
  run("DELETE FROM lakehouse.audit_log WHERE seq = 2");
  run("UPDATE lakehouse.audit_log SET seq = seq - 1 WHERE seq > 2");
  run("UPDATE lakehouse.audit_heads SET seq = 4 WHERE tenant_id = $1::uuid",
      {db::Value::text(kAcme)});
  expect_broken_at(2, "does not follow");
}

TEST_F(DatabaseAuditTampering, finds_swapped_records) {
  run("UPDATE lakehouse.audit_log SET seq = 99 WHERE seq = 2");
  run("UPDATE lakehouse.audit_log SET seq = 2 WHERE seq = 3");
  run("UPDATE lakehouse.audit_log SET seq = 3 WHERE seq = 99");
  expect_broken_at(2, "does not follow");
}

TEST_F(DatabaseAuditTampering, finds_a_duplicate) {
  run("ALTER TABLE lakehouse.audit_log DROP CONSTRAINT audit_log_pkey");
  run("INSERT INTO lakehouse.audit_log SELECT * FROM lakehouse.audit_log WHERE seq = 4");
  expect_broken_at(4, "twice");
}

TEST_F(DatabaseAuditTampering, finds_a_null_where_none_can_be) {
  run("ALTER TABLE lakehouse.audit_log ALTER statement DROP NOT NULL");
  run("UPDATE lakehouse.audit_log SET statement = NULL WHERE seq = 3");
  expect_broken_at(3, "can't be read");
}

TEST_F(DatabaseAuditTampering, finds_a_cut_tail) {
  run("DELETE FROM lakehouse.audit_log WHERE seq > 3");
  expect_broken_at(4, "is missing");
}

TEST_F(DatabaseAuditTampering, finds_a_missing_head) {
  run("DELETE FROM lakehouse.audit_heads");
  expect_broken_at(6, "audit_heads is missing");
}

TEST_F(DatabaseAuditTampering, finds_records_beyond_the_head) {
  run("UPDATE lakehouse.audit_heads h SET seq = 3, hash = l.hash FROM lakehouse.audit_log l "
      "WHERE l.seq = 3 AND l.tenant_id = h.tenant_id");
  expect_broken_at(4, "audit_heads says");
}

TEST_F(DatabaseAuditTampering, finds_a_record_of_another_tenant) {
  append(1, kBolt);
  run("DELETE FROM lakehouse.audit_log WHERE seq = 1 AND tenant_id = $1::uuid",
      {db::Value::text(kAcme)});
  run("UPDATE lakehouse.audit_log SET tenant_id = $1::uuid WHERE tenant_id = $2::uuid",
      {db::Value::text(kAcme), db::Value::text(kBolt)});
  expect_broken_at(1, "was changed");
}

class DatabaseAuditRollback : public DatabaseAuditTampering {
 protected:
  // As after a restore: the newer records and the newer head are gone.
  void restore(int seq) {
    run("DELETE FROM lakehouse.audit_log WHERE seq > $1::bigint", {db::Value::integer(seq)});
    run("UPDATE lakehouse.audit_heads h SET seq = l.seq, hash = l.hash "
        "FROM lakehouse.audit_log l WHERE l.tenant_id = h.tenant_id AND l.seq = $1::bigint",
        {db::Value::integer(seq)});
  }
  void forget_heads() {
    journal_.reset();
    ::unlink(head_path().c_str());
    open_journal();
  }
};

TEST_F(DatabaseAuditRollback, is_found_by_the_worker_that_wrote) {
  restore(3);
  expect_broken_at(4, "is missing");
}

TEST_F(DatabaseAuditRollback, is_found_by_the_next_worker) {
  open_journal();
  restore(3);
  expect_broken_at(4, "is missing");
}

TEST_F(DatabaseAuditRollback, is_not_covered_by_new_records) {
  restore(3);
  append(4);
  expect_broken_at(4, "lost and written anew");
  open_journal();
  append(1);
  expect_broken_at(4, "lost and written anew");
  EXPECT_NE(log_text_.str().find("audit log has lost records"), std::string::npos);
}

TEST_F(DatabaseAuditRollback, is_not_covered_by_records_of_another_worker) {
  const auto other = make_journal(directory_.path() + "/other-heads");
  restore(3);
  for (int i = 0; i < 4; ++i) ASSERT_TRUE(other->record(record_of(kAcme, ++last_number_)).is_ok());
  append(1);
  expect_broken_at(5, "lost and written anew");
}

TEST_F(DatabaseAuditRollback, is_not_seen_without_the_file_and_the_report_says_so) {
  restore(3);
  forget_heads();
  const auto report = verify();
  EXPECT_TRUE(report.is_intact);
  EXPECT_NE(report.reason.find("not compared"), std::string::npos);
}

TEST_F(DatabaseAuditRollback, new_file_says_from_where_on_it_knows) {
  forget_heads();
  append(2);
  const auto report = verify();
  EXPECT_TRUE(report.is_intact);
  EXPECT_NE(report.reason.find("from record 6 on"), std::string::npos) << report.reason;
}

TEST_F(DatabaseAuditRollback, torn_file_entry_falls_back_to_the_one_before) {
  journal_.reset();
  {
    std::fstream file(head_path(), std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(256 * (5 % 2) + 40);  // the slot of the fifth write
    file << "torn";
  }
  open_journal();
  EXPECT_TRUE(verify().is_intact);
  restore(3);
  expect_broken_at(4, "is missing");
}

TEST_F(DatabaseAuditTampering, keys_of_old_records_are_needed) {
  journal_.reset();
  write_keys("1 " + std::string(64, 'a') + "\n2 " + std::string(64, 'b') + "\n");
  open_journal();
  append(2);
  EXPECT_TRUE(verify().is_intact);
  journal_.reset();
  write_keys("2 " + std::string(64, 'b') + "\n");
  open_journal();
  expect_broken_at(1, "master key 1");
}

TEST_F(DatabaseAuditTampering, other_master_key_verifies_nothing) {
  journal_.reset();
  write_keys("1 " + std::string(64, 'c') + "\n");
  open_journal();
  expect_broken_at(1, "was changed");
}

}  // namespace
}  // namespace lakehouse::worker::test
