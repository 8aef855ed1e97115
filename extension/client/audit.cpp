// SPDX-License-Identifier: PostgreSQL
// From AuditRecord to the wire, and the session's connection for it.
#include "extension/client/audit.hpp"

#include <cstring>
#include <memory>
#include <string>
#include <utility>

#include "core/wire/codec.hpp"
#include "extension/border/border.hpp"
#include "extension/client/channel.hpp"
#include "extension/postgres/prelude.hpp"

namespace lakehouse::client {
namespace {

// In a transaction's abort no interrupt is served: nothing else would end the wait, and whoever
// cancelled is waiting too.
constexpr std::chrono::milliseconds kAbortPatience{500};
constexpr std::int64_t kUnixToPostgres_us = 946'684'800'000'000;

// Process-wide by nature: a session has one. Whoever uses it takes it away first, so that an error
// or a cancel in mid-answer closes it.
Channel* kept_channel = nullptr;

// Without a transaction no other encoding can be converted; its letters are not worth a lost
// record.
const char* to_utf8(const char* value) {
  const int length = static_cast<int>(std::strlen(value));
  const int encoding = GetDatabaseEncoding();
  if (encoding == PG_UTF8) return value;
  if (encoding != PG_SQL_ASCII && IsTransactionState())
    return pg_server_to_any(value, length, PG_UTF8);
  char* plain = pstrdup(value);
  for (char* at = plain; *at != '\0'; ++at) {
    if (IS_HIGHBIT_SET(*at)) *at = '?';
  }
  return plain;
}

std::string text_of(const char* value) {
  if (value == nullptr) return {};
  return border::call([&] { return to_utf8(value); });
}

std::vector<std::string> texts_of(const AuditNames& names) {
  std::vector<std::string> texts;
  for (int i = 0; i < names.count; ++i) texts.push_back(text_of(names.items[i]));
  return texts;
}

std::string uuid_of(const pg_uuid_t* value) {
  if (value == nullptr) return {};
  return border::call(
      [&] { return DatumGetCString(DirectFunctionCall1(uuid_out, UUIDPGetDatum(value))); });
}

std::string hash_of(const unsigned char* hash) {
  if (hash == nullptr) return {};
  return {reinterpret_cast<const char*>(hash), kStatementHashBytes};
}

wire::RecordAudit to_wire(const AuditRecord& record) {
  wire::RecordAudit request;
  request.tenant_id = uuid_of(record.tenant_id);
  request.audit_id = uuid_of(record.audit_id);
  request.phase = static_cast<std::uint8_t>(record.phase);
  request.at_us = (record.at != 0 ? record.at : GetCurrentTimestamp()) + kUnixToPostgres_us;
  request.session_role = text_of(record.session_role);
  request.role = text_of(record.role);
  request.application_name = text_of(record.application_name);
  request.statement_hash = hash_of(record.statement_hash);
  request.statement = text_of(record.statement);
  request.relations = texts_of(record.relations);
  request.policy_epoch = record.policy_epoch;
  request.code = text_of(record.code);
  request.sqlstate = text_of(record.sqlstate);
  request.rows = record.rows;
  request.bytes = record.bytes;
  request.duration_us = record.duration_us;
  request.remote_query_ids = texts_of(record.remote_query_ids);
  return request;
}

std::unique_ptr<Channel> take_kept_channel() {
  std::unique_ptr<Channel> channel(std::exchange(kept_channel, nullptr));
  if (channel && !channel->is_quiet()) channel.reset();  // the worker closes idle ones
  return channel;
}

// An answer that was lost with the worker is asked for once more, of the next worker: it knows by
// is_repeated that the record may be there.
void deliver(wire::RecordAudit& request, Deadline deadline) {
  auto channel = take_kept_channel();
  for (bool is_last = false;; is_last = true) {
    if (!channel) channel = Channel::open(Patience::kRestart, deadline);
    channel->give_up_at(deadline);
    const auto answer =
        border::outcome_of([&] { return channel->ask<wire::Recorded>(request).seq; });
    if (answer) break;
    if (is_last || answer.error().code != ErrorCode::kWorkerNotRunning) throw_error(answer.error());
    request.is_repeated = true;
    channel.reset();
  }
  kept_channel = channel.release();
}

void record(const AuditRecord& record, Deadline deadline) {
  static_assert(static_cast<int>(AuditPhase::kRefusal) ==
                static_cast<int>(wire::AuditPhase::kRefusal));
  wire::RecordAudit request = to_wire(record);
  deliver(request, deadline);
}

void warn(const border::Raised& raised) {
  const char* why = raised.whole != nullptr ? raised.whole->message : raised.message;
  ereport(WARNING, (errmsg("outcome is missing in the audit log"), errdetail_internal("%s", why)));
}

}  // namespace

void describe_session(AuditRecord& record) {
  record.session_role = GetUserNameFromId(GetSessionUserId(), false);
  record.role = GetUserNameFromId(GetUserId(), false);
  record.application_name = application_name != nullptr ? pstrdup(application_name) : "";
}

void record_audit(const AuditRecord& given) {
  border::serve([&] { record(given, Deadline::never()); });
}

bool try_record_audit(const AuditRecord& given) noexcept {
  border::Raised raised;
  auto run = [](void* argument) {
    record(*static_cast<const AuditRecord*>(argument), Deadline::in(kAbortPatience));
  };
  if (border::attempt(run, const_cast<AuditRecord*>(&given), raised)) return true;
  warn(raised);
  return false;
}

}  // namespace lakehouse::client
