// SPDX-License-Identifier: PostgreSQL
// Place and tag the records after a head, then insert them and move that head in one statement.
#include "worker/audit/chain.hpp"

#include <algorithm>

#include "worker/audit/hex.hpp"
#include "worker/json/text.hpp"

namespace lakehouse::worker::audit {
namespace {

// Durable means on the disk, whatever the server's default is: see set_config in kAppend.
constexpr const char* kLockHead =
    "SELECT seq, hash FROM lakehouse.audit_heads WHERE tenant_id = $1::uuid FOR UPDATE";
constexpr const char* kFindHash =
    "SELECT hash FROM lakehouse.audit_log WHERE tenant_id = $1::uuid AND seq = $2::bigint";
constexpr const char* kFindRepeated =
    "SELECT seq FROM lakehouse.audit_log "
    "WHERE tenant_id = $1::uuid AND audit_id = $2::uuid AND phase = $3 ORDER BY seq LIMIT 1";
// Moves the head and inserts, or does neither if the head is another by now: the number of rows
// says which. One round trip where no other worker appends to the chain.
constexpr const char* kAppend =
    "WITH moved AS (UPDATE lakehouse.audit_heads SET seq = $3::bigint, hash = $4::bytea "
    "WHERE tenant_id = $1::uuid AND seq = $5::bigint AND hash = $6::bytea "
    "RETURNING CASE WHEN current_setting('synchronous_commit') = 'off' "
    "THEN set_config('synchronous_commit', 'on', true) END) "
    "INSERT INTO lakehouse.audit_log (tenant_id, seq, at, audit_id, phase, session_role, role, "
    "application_name, statement_hash, statement, relations, policy_epoch, code, sqlstate, rows, "
    "bytes, duration_us, remote_query_ids, key_id, previous_hash, hash) "
    "SELECT $1::uuid, r.seq, timestamptz 'epoch' + r.at_us * interval '1 microsecond', r.audit_id, "
    "r.phase, r.session_role, r.role, r.application_name, decode(r.statement_hash, 'hex'), "
    "r.statement, r.relations, r.policy_epoch, r.code, r.sqlstate, r.rows, r.bytes, r.duration_us, "
    "r.remote_query_ids, r.key_id, decode(r.previous_hash, 'hex'), decode(r.hash, 'hex') "
    "FROM moved, jsonb_to_recordset($2::jsonb) AS r(seq bigint, at_us bigint, audit_id uuid, "
    "phase text, session_role text, role text, application_name text, statement_hash text, "
    "statement text, relations text[], policy_epoch bigint, code text, sqlstate text, rows bigint, "
    "bytes bigint, duration_us bigint, remote_query_ids text[], key_id bigint, previous_hash text, "
    "hash text)";

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

// A round's records in their places.
struct Placed {
  std::string json;
  std::uint64_t count = 0;
  Head head;  // the last one
  std::vector<std::int64_t> seqs;
};

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

  // False: the head is not `from`, and nothing was done.
  Result<bool> append(const Placed& placed, const Head& from) {
    if (placed.count == 0) return true;
    auto inserted =
        connection_.query(kAppend,
                          {db::Value::text(tenant_id_), db::Value::text(placed.json),
                           db::Value::integer(placed.head.seq), db::Value::bytes(placed.head.hash),
                           db::Value::integer(from.seq), db::Value::bytes(from.hash)},
                          context_);
    if (!inserted) return inserted.error();
    return inserted->changed_count() == placed.count;
  }

 private:
  db::Connection& connection_;
  const std::string& tenant_id_;
  const Context& context_;
};

// `earlier`: seqs of records that are there already, else 0.
Result<Placed> place(const std::vector<const wire::RecordAudit*>& records,
                     const std::vector<std::int64_t>& earlier, const Head& from,
                     const vault::Vault& vault) {
  const std::uint32_t key_id = vault.writing_key_id();
  auto authenticator = vault.authenticator(key_id, records.front()->tenant_id, kPurpose);
  if (!authenticator) return authenticator.error();
  Json json;
  Placed placed{{}, 0, from, {}};
  for (std::size_t i = 0; i < records.size(); ++i) {
    placed.seqs.push_back(earlier[i]);
    if (earlier[i] != 0) continue;
    Entry entry = place_after(placed.head, *records[i], key_id);
    entry.hash = hash_of(entry, *authenticator);
    if (entry.hash.empty()) return Error{ErrorCode::kInternal, "could not make a hash", "", ""};
    add(json, entry, *records[i]);
    placed.head = {entry.seq, entry.hash};
    placed.seqs.back() = entry.seq;
    ++placed.count;
  }
  placed.json = std::move(json).list();
  return placed;
}

}  // namespace

Result<std::optional<Appended>> append_to_known(
    db::Connection& connection, const vault::Vault& vault, const KnownHead& known,
    const std::vector<const wire::RecordAudit*>& records, const Context& context) {
  const auto is_repeated = [](const auto* record) { return record->is_repeated; };
  if (std::any_of(records.begin(), records.end(), is_repeated)) return std::optional<Appended>();
  auto placed = place(records, std::vector<std::int64_t>(records.size()), known.head, vault);
  if (!placed) return placed.error();
  Appending appending(connection, records.front()->tenant_id, context);
  auto is_done = appending.append(*placed, known.head);
  if (!is_done) return is_done.error();
  if (!*is_done) return std::optional<Appended>();
  return std::optional<Appended>(
      {placed->seqs, KnownHead{placed->head, known.first_seq, known.lost_seq}});
}

Result<Appended> append(db::Connection& connection, const vault::Vault& vault,
                        const std::optional<KnownHead>& known,
                        const std::vector<const wire::RecordAudit*>& records,
                        const Context& context) {
  Appending appending(connection, records.front()->tenant_id, context);
  auto head = appending.lock_head();
  if (!head) return head.error();
  auto compared = appending.compare(*head, known);
  if (!compared) return compared.error();
  std::vector<std::int64_t> earlier;
  for (const wire::RecordAudit* record : records) {
    auto seq = appending.find_repeated(*record);
    if (!seq) return seq.error();
    earlier.push_back(*seq);
  }
  auto placed = place(records, earlier, *head, vault);
  if (!placed) return placed.error();
  auto is_done = appending.append(*placed, *head);
  if (!is_done) return is_done.error();
  if (!*is_done) return Error{ErrorCode::kInternal, "the head of an audit log moved", "", ""};
  return Appended{placed->seqs, KnownHead{placed->head, compared->first_seq, compared->lost_seq}};
}

}  // namespace lakehouse::worker::audit
