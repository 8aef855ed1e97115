// SPDX-License-Identifier: PostgreSQL
// Lock the head, place and tag the records, insert them and move the head in one statement.
#include "worker/audit/chain.hpp"

#include <algorithm>

#include "worker/audit/hex.hpp"
#include "worker/json/text.hpp"

namespace lakehouse::worker::audit {
namespace {

// Durable means on the disk, whatever the server's default is.
constexpr const char* kLockHead =
    "SELECT seq, hash, CASE WHEN current_setting('synchronous_commit') = 'off' "
    "THEN set_config('synchronous_commit', 'on', true) END "
    "FROM lakehouse.audit_heads WHERE tenant_id = $1::uuid FOR UPDATE";
constexpr const char* kFindHash =
    "SELECT hash FROM lakehouse.audit_log WHERE tenant_id = $1::uuid AND seq = $2::bigint";
constexpr const char* kFindRepeated =
    "SELECT seq FROM lakehouse.audit_log "
    "WHERE tenant_id = $1::uuid AND audit_id = $2::uuid AND phase = $3 ORDER BY seq LIMIT 1";
constexpr const char* kInsert =
    "WITH inserted AS (INSERT INTO lakehouse.audit_log (tenant_id, seq, at, audit_id, phase, "
    "session_role, role, application_name, statement_hash, statement, relations, policy_epoch, "
    "code, sqlstate, rows, bytes, duration_us, remote_query_ids, key_id, previous_hash, hash) "
    "SELECT $1::uuid, r.seq, timestamptz 'epoch' + r.at_us * interval '1 microsecond', r.audit_id, "
    "r.phase, r.session_role, r.role, r.application_name, decode(r.statement_hash, 'hex'), "
    "r.statement, r.relations, r.policy_epoch, r.code, r.sqlstate, r.rows, r.bytes, r.duration_us, "
    "r.remote_query_ids, r.key_id, decode(r.previous_hash, 'hex'), decode(r.hash, 'hex') "
    "FROM jsonb_to_recordset($2::jsonb) AS r(seq bigint, at_us bigint, audit_id uuid, phase text, "
    "session_role text, role text, application_name text, statement_hash text, statement text, "
    "relations text[], policy_epoch bigint, code text, sqlstate text, rows bigint, bytes bigint, "
    "duration_us bigint, remote_query_ids text[], key_id bigint, previous_hash text, hash text)) "
    "UPDATE lakehouse.audit_heads SET seq = $3::bigint, hash = $4::bytea "
    "WHERE tenant_id = $1::uuid";

class Json {
 public:
  void member(std::string_view name, std::string_view value) {
    begin(name);
    json::append_quoted(text_, value);
  }
  void member(std::string_view name, const std::optional<std::string>& value) {
    if (value) member(name, std::string_view(*value));
  }
  void member(std::string_view name, std::int64_t value) {
    begin(name);
    text_ += std::to_string(value);
  }
  void member(std::string_view name, const std::vector<std::string>& values) {
    begin(name);
    const char* separator = "[";
    for (const std::string& value : values) {
      text_ += separator;
      json::append_quoted(text_, value);
      separator = ",";
    }
    text_ += values.empty() ? "[]" : "]";
  }
  void end_object() {
    text_ += "}";
    is_first_ = true;
  }
  std::string list() && { return "[" + std::move(text_) + "]"; }

 private:
  void begin(std::string_view name) {
    if (!is_first_ || !text_.empty()) text_ += ",";
    if (is_first_) text_ += "{";
    is_first_ = false;
    json::append_quoted(text_, name);
    text_ += ":";
  }
  std::string text_;
  bool is_first_ = true;
};

// Lists come from the record: an entry has them as one text.
void add(Json& json, const Entry& entry, const wire::RecordAudit& record) {
  json.member("seq", entry.seq);
  json.member("at_us", entry.at_us);
  json.member("audit_id", std::string_view(entry.audit_id));
  json.member("phase", std::string_view(entry.phase));
  json.member("session_role", std::string_view(entry.session_role));
  json.member("role", std::string_view(entry.role));
  json.member("application_name", std::string_view(entry.application_name));
  json.member("statement_hash", std::string_view(to_hex(entry.statement_hash)));
  json.member("statement", std::string_view(entry.statement));
  json.member("relations", record.relations);
  json.member("policy_epoch", entry.policy_epoch);
  json.member("code", entry.code);
  json.member("sqlstate", entry.sqlstate);
  json.member("rows", entry.rows);
  json.member("bytes", entry.bytes);
  json.member("duration_us", entry.duration_us);
  json.member("remote_query_ids", record.remote_query_ids);
  json.member("key_id", entry.key_id);
  json.member("previous_hash", std::string_view(to_hex(entry.previous_hash)));
  json.member("hash", std::string_view(to_hex(entry.hash)));
  json.end_object();
}

class Appending {
 public:
  Appending(db::Connection& connection, const std::string& tenant_id, const Context& context)
      : connection_(connection), tenant_id_(tenant_id), context_(context) {}

  Result<Head> lock_head() {
    auto rows = connection_.query(kLockHead, {db::Value::text(tenant_id_)}, context_);
    if (!rows) return rows.error();
    if (rows->count() == 0) {
      return Error{ErrorCode::kNotFound, "the tenant has no audit log",
                   "Its row in lakehouse.audit_heads is missing.",
                   "Restore it; lakehouse.create_tenant() makes it for a new tenant."};
    }
    db::Row row = rows->row(0);
    Head head;
    head.seq = row.integer();
    head.hash = row.bytes_or_null().value_or("");
    static_cast<void>(row.text_or_null());
    if (Status sound = row.finish(); !sound) return sound.error();
    return head;
  }

  // What the head file is to hold of this chain before anything is appended.
  Result<KnownHead> compare(const Head& head, const std::optional<KnownHead>& known) {
    if (!known) return KnownHead{head, head.seq + 1, 0};
    KnownHead compared{head, known->first_seq, known->lost_seq};
    if (known->head == head || known->lost_seq != 0) return compared;
    auto rows = connection_.query(
        kFindHash, {db::Value::text(tenant_id_), db::Value::integer(known->head.seq)}, context_);
    if (!rows) return rows.error();
    const bool is_there = rows->count() == 1 && rows->row(0).bytes_or_null() == known->head.hash;
    if (!is_there) compared.lost_seq = std::min(known->head.seq, head.seq + 1);
    return compared;
  }

  // 0: it is not there.
  Result<std::int64_t> find_repeated(const wire::RecordAudit& record) {
    if (!record.is_repeated) return std::int64_t{0};
    auto rows = connection_.query(kFindRepeated,
                                  {db::Value::text(tenant_id_), db::Value::text(record.audit_id),
                                   db::Value::text(phase_name(record.phase).value_or(""))},
                                  context_);
    if (!rows) return rows.error();
    return rows->count() == 0 ? std::int64_t{0} : rows->row(0).integer();
  }

  Status insert(Json json, const Head& head) {
    auto moved =
        connection_.query(kInsert,
                          {db::Value::text(tenant_id_), db::Value::text(std::move(json).list()),
                           db::Value::integer(head.seq), db::Value::bytes(head.hash)},
                          context_);
    if (!moved) return moved.error();
    if (moved->changed_count() == 1) return kDone;
    return Error{ErrorCode::kInternal, "the head of an audit log was not moved", "", ""};
  }

 private:
  db::Connection& connection_;
  const std::string& tenant_id_;
  const Context& context_;
};

}  // namespace

Result<Appended> append(db::Connection& connection, const vault::Vault& vault,
                        const std::optional<KnownHead>& known,
                        const std::vector<const wire::RecordAudit*>& records,
                        const Context& context) {
  const std::string& tenant_id = records.front()->tenant_id;
  const std::uint32_t key_id = vault.writing_key_id();
  auto authenticator = vault.authenticator(key_id, tenant_id, kPurpose);
  if (!authenticator) return authenticator.error();
  Appending appending(connection, tenant_id, context);
  auto head = appending.lock_head();
  if (!head) return head.error();
  auto compared = appending.compare(*head, known);
  if (!compared) return compared.error();

  Json json;
  Appended appended{{}, *compared};
  Head& last = appended.known.head;
  for (const wire::RecordAudit* record : records) {
    auto earlier = appending.find_repeated(*record);
    if (!earlier) return earlier.error();
    if (*earlier == 0) {
      Entry entry = place_after(last, *record, key_id);
      entry.hash = hash_of(entry, *authenticator);
      if (entry.hash.empty()) return Error{ErrorCode::kInternal, "could not make a hash", "", ""};
      add(json, entry, *record);
      last = {entry.seq, entry.hash};
    }
    appended.seqs.push_back(*earlier != 0 ? *earlier : last.seq);
  }
  if (last == *head) return appended;  // all were there
  if (Status inserted = appending.insert(std::move(json), last); !inserted) return inserted.error();
  return appended;
}

}  // namespace lakehouse::worker::audit
