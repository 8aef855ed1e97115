// SPDX-License-Identifier: PostgreSQL
// A cursor over the chain: each record is held against the one before, its own hash, the head in
// the database and the head in the file. The first thing that is wrong ends it.
#include "worker/audit/verification.hpp"

#include <map>

namespace lakehouse::worker::audit {
namespace {

constexpr const char* kSnapshot = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY";
constexpr const char* kReadHead =
    "SELECT seq, hash FROM lakehouse.audit_heads WHERE tenant_id = $1::uuid";
// Ordered by an index or not, with duplicates if somebody dropped the key.
constexpr const char* kOpen =
    "DECLARE chain NO SCROLL CURSOR FOR SELECT tenant_id::text, seq, "
    "(extract(epoch FROM at) * 1000000)::bigint, audit_id::text, phase, session_role, role, "
    "application_name, statement_hash, statement, "
    "coalesce(array_dims(relations), '') || coalesce((SELECT string_agg("
    "coalesce(octet_length(convert_to(i, 'UTF8')) || ':' || i, '-'), '' ORDER BY n) "
    "FROM unnest(relations) WITH ORDINALITY AS u(i, n)), ''), "
    "policy_epoch, code, sqlstate, rows, bytes, duration_us, "
    "coalesce(array_dims(remote_query_ids), '') || coalesce((SELECT string_agg("
    "coalesce(octet_length(convert_to(i, 'UTF8')) || ':' || i, '-'), '' ORDER BY n) "
    "FROM unnest(remote_query_ids) WITH ORDINALITY AS u(i, n)), ''), "
    "key_id, previous_hash, hash "
    "FROM lakehouse.audit_log WHERE tenant_id = $1::uuid ORDER BY seq";
constexpr const char* kFetch = "FETCH 1000 FROM chain";

Result<Entry> read_entry(db::Row row) {
  Entry entry;
  entry.tenant_id = row.text();
  entry.seq = row.integer();
  entry.at_us = row.integer();
  for (std::string* text :
       {&entry.audit_id, &entry.phase, &entry.session_role, &entry.role, &entry.application_name}) {
    *text = row.text();
  }
  entry.statement_hash = row.bytes_or_null().value_or("");
  entry.statement = row.text();
  entry.relations = row.text();
  entry.policy_epoch = row.integer();
  entry.code = row.text_or_null();
  entry.sqlstate = row.text_or_null();
  entry.rows = row.integer();
  entry.bytes = row.integer();
  entry.duration_us = row.integer();
  entry.remote_query_ids = row.text();
  entry.key_id = row.integer();
  entry.previous_hash = row.bytes_or_null().value_or("");
  entry.hash = row.bytes_or_null().value_or("");
  if (Status sound = row.finish(); !sound) return sound.error();
  return entry;
}

std::string record_name(std::int64_t seq) { return "record " + std::to_string(seq); }

class Verification {
 public:
  Verification(const vault::Vault& vault, const std::optional<KnownHead>& known)
      : vault_(vault), known_(known) {}

  // False: broken, the report says how.
  bool take(const Entry& entry) {
    ++report_.records;
    if (entry.seq > last_.seq + 1) return broken(last_.seq + 1, " is missing");
    if (entry.seq <= last_.seq) return broken(entry.seq, " is there twice");
    if (entry.previous_hash != last_.hash)
      return broken(entry.seq, " does not follow the one before");
    const vault::Authenticator* authenticator = find_key(entry);
    if (authenticator == nullptr) {
      return broken(entry.seq, " was made with master key " + std::to_string(entry.key_id) +
                                   ", which the worker does not have");
    }
    if (hash_of(entry, *authenticator) != entry.hash) return broken(entry.seq, " was changed");
    last_ = {entry.seq, entry.hash};
    if (known_ && known_->head.seq == last_.seq && known_->head.hash != last_.hash) {
      return broken(entry.seq, " is not the one that was written");
    }
    return true;
  }

  // A column is NULL or of another type.
  bool take_unreadable() { return broken(last_.seq + 1, " can't be read"); }

  void take_end(const std::optional<Head>& head) {
    if (!head) {
      broken(last_.seq + 1, " can't come: the row in lakehouse.audit_heads is missing");
    } else if (head->seq > last_.seq || (known_ && known_->head.seq > last_.seq)) {
      broken(last_.seq + 1, " is missing");
    } else if (*head != last_) {
      broken(head->seq + 1, " is not what the row in lakehouse.audit_heads says");
    } else if (known_ && known_->lost_seq != 0) {
      broken(known_->lost_seq, " was lost and written anew");
    } else {
      report_.is_intact = true;
      report_.reason = gap_in_knowledge();
    }
  }

  wire::AuditReport take_report() { return std::move(report_); }

 private:
  bool broken(std::int64_t seq, const std::string& how) {
    report_.first_bad_seq = seq;
    report_.reason = record_name(seq) + how;
    return false;
  }

  // What an intact chain could not be held against.
  std::string gap_in_knowledge() const {
    if (!known_ && last_.seq == 0) return {};
    if (!known_) return "not compared with the worker's own file, which has no head of it yet";
    if (known_->first_seq <= 1) return {};
    return "compared with the worker's own file from " + record_name(known_->first_seq) + " on";
  }

  const vault::Authenticator* find_key(const Entry& entry) {
    const auto found = keys_.find(entry.key_id);
    if (found != keys_.end()) return &found->second;
    auto key =
        vault_.authenticator(static_cast<std::uint32_t>(entry.key_id), entry.tenant_id, kPurpose);
    if (!key) return nullptr;
    return &keys_.emplace(entry.key_id, *std::move(key)).first->second;
  }

  const vault::Vault& vault_;
  const std::optional<KnownHead>& known_;
  std::map<std::int64_t, vault::Authenticator> keys_;
  Head last_;
  wire::AuditReport report_;
};

Result<std::optional<Head>> read_head(db::Connection& connection, const std::string& tenant_id,
                                      const Context& context) {
  auto rows = connection.query(kReadHead, {db::Value::text(tenant_id)}, context);
  if (!rows) return rows.error();
  if (rows->count() == 0) return std::optional<Head>();
  db::Row row = rows->row(0);
  Head head;
  head.seq = row.integer();
  head.hash = row.bytes_or_null().value_or("");
  if (Status sound = row.finish(); !sound) return sound.error();
  return std::optional<Head>(head);
}

// True: every record was taken.
Result<bool> read_chain(db::Connection& connection, const std::string& tenant_id,
                        Verification& verification, const Context& context) {
  auto opened = connection.query(kOpen, {db::Value::text(tenant_id)}, context);
  if (!opened) return opened.error();
  for (;;) {
    auto rows = connection.query(kFetch, {}, context);
    if (!rows) return rows.error();
    if (rows->count() == 0) return true;
    for (int i = 0; i < rows->count(); ++i) {
      auto entry = read_entry(rows->row(i));
      if (!entry) return verification.take_unreadable();
      if (!verification.take(*entry)) return false;
    }
  }
}

}  // namespace

Result<wire::AuditReport> verify_chain(db::Connection& connection, const vault::Vault& vault,
                                       const std::optional<KnownHead>& known,
                                       const std::string& tenant_id, const Context& context) {
  auto transaction = db::Transaction::begin(connection, context);
  if (!transaction) return transaction.error();
  auto snapshot = connection.query(kSnapshot, {}, context);
  if (!snapshot) return snapshot.error();
  auto head = read_head(connection, tenant_id, context);
  if (!head) return head.error();
  Verification verification(vault, known);
  auto is_whole = read_chain(connection, tenant_id, verification, context);
  if (!is_whole) return is_whole.error();
  if (*is_whole) verification.take_end(*head);
  if (Status ended = transaction->commit(context); !ended) return ended.error();
  return verification.take_report();
}

}  // namespace lakehouse::worker::audit
