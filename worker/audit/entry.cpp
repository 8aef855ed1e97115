// SPDX-License-Identifier: PostgreSQL
// Field by field; a length before each, so that no two entries share their bytes.
#include "worker/audit/entry.hpp"

#include <array>

namespace lakehouse::worker::audit {
namespace {

constexpr std::string_view kPreamble = "lakehouse/audit/v1";

class Bytes {
 public:
  void put(std::int64_t number) {
    put_length(sizeof(number));
    put_big_endian(static_cast<std::uint64_t>(number), 8);
  }
  void put(std::string_view text) {
    put_length(text.size());
    bytes_.append(text);
  }
  void put(const std::optional<std::string>& text) {
    put(std::string_view(text ? "+" : "-"));
    if (text) put(std::string_view(*text));
  }
  const std::string& view() const { return bytes_; }

 private:
  void put_length(std::size_t length) { put_big_endian(length, 4); }
  void put_big_endian(std::uint64_t number, int size) {
    for (int shift = size * 8 - 8; shift >= 0; shift -= 8) {
      bytes_.push_back(static_cast<char>(number >> static_cast<unsigned>(shift) & 0xFFU));
    }
  }
  std::string bytes_;
};

}  // namespace

Entry place_after(const Head& head, const wire::RecordAudit& record, std::uint32_t key_id) {
  Entry entry;
  entry.tenant_id = record.tenant_id;
  entry.seq = head.seq + 1;
  entry.at_us = record.at_us;
  entry.audit_id = record.audit_id;
  entry.phase = phase_name(record.phase).value_or("");
  entry.session_role = record.session_role;
  entry.role = record.role;
  entry.application_name = record.application_name;
  entry.statement_hash = record.statement_hash;
  entry.statement = record.statement;
  entry.relations = list_text(record.relations);
  entry.policy_epoch = record.policy_epoch;
  if (!record.code.empty()) entry.code = record.code;
  if (!record.sqlstate.empty()) entry.sqlstate = record.sqlstate;
  entry.rows = record.rows;
  entry.bytes = record.bytes;
  entry.duration_us = record.duration_us;
  entry.remote_query_ids = list_text(record.remote_query_ids);
  entry.key_id = key_id;
  entry.previous_hash = head.hash;
  return entry;
}

std::string hash_of(const Entry& entry, const vault::Authenticator& authenticator) {
  Bytes bytes;
  bytes.put(kPreamble);
  bytes.put(std::string_view(entry.tenant_id));
  bytes.put(entry.seq);
  bytes.put(entry.at_us);
  for (const std::string* text :
       {&entry.audit_id, &entry.phase, &entry.session_role, &entry.role, &entry.application_name,
        &entry.statement_hash, &entry.statement, &entry.relations}) {
    bytes.put(std::string_view(*text));
  }
  bytes.put(entry.policy_epoch);
  bytes.put(entry.code);
  bytes.put(entry.sqlstate);
  bytes.put(entry.rows);
  bytes.put(entry.bytes);
  bytes.put(entry.duration_us);
  bytes.put(std::string_view(entry.remote_query_ids));
  bytes.put(entry.key_id);
  bytes.put(std::string_view(entry.previous_hash));
  return authenticator.tag_of(bytes.view());
}

std::string list_text(const std::vector<std::string>& items) {
  if (items.empty()) return {};
  std::string text = "[1:" + std::to_string(items.size()) + "]";
  for (const std::string& item : items) {
    text.append(std::to_string(item.size())).append(":").append(item);
  }
  return text;
}

std::optional<std::string> phase_name(std::uint8_t phase) {
  static constexpr std::array<const char*, 3> kNames = {"intent", "outcome", "refusal"};
  if (phase >= kNames.size()) return std::nullopt;
  return kNames.at(phase);
}

}  // namespace lakehouse::worker::audit
