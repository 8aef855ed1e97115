// SPDX-License-Identifier: PostgreSQL
// One statement each; a session's id is hashed by the server.
#include "worker/mcp/sessions.hpp"

#include <openssl/rand.h>

#include <array>

#include "core/base/base64.hpp"

namespace lakehouse::worker::mcp {
namespace {

constexpr std::size_t kIdBytes = 32;

// A few of those that nobody uses any more go with each new one.
constexpr const char* kBegin =
    "WITH gone AS (DELETE FROM lakehouse.mcp_sessions WHERE id_hash IN ("
    " SELECT id_hash FROM lakehouse.mcp_sessions WHERE used_at < now() - interval '1 day'"
    " LIMIT 20 FOR UPDATE SKIP LOCKED)) "
    "INSERT INTO lakehouse.mcp_sessions"
    " (id_hash, tenant_id, user_id, client_id, protocol_version, capabilities)"
    " VALUES (sha256($1::text::bytea), $2::uuid, $3::uuid, $4, $5, $6::jsonb)";
constexpr const char* kFind =
    "WITH found AS (SELECT * FROM lakehouse.mcp_sessions WHERE id_hash = sha256($1::text::bytea)"
    "  AND tenant_id = $2::uuid AND user_id = $3::uuid AND client_id = $4"
    "  AND used_at > now() - interval '1 day'), "
    "touched AS (UPDATE lakehouse.mcp_sessions s SET used_at = now() FROM found"
    "  WHERE s.id_hash = found.id_hash AND found.used_at < now() - interval '1 minute') "
    "SELECT protocol_version, capabilities::text, log_level, to_json(subscriptions)::text FROM "
    "found";
constexpr const char* kSetLevel =
    "UPDATE lakehouse.mcp_sessions SET log_level = $2 WHERE id_hash = sha256($1::text::bytea)";
// Streams of the session, at whichever workers, follow as soon as they are told.
constexpr const char* kSubscribe =
    "WITH done AS (UPDATE lakehouse.mcp_sessions"
    "  SET subscriptions = array_append(array_remove(subscriptions, $2), $2)"
    "  WHERE id_hash = sha256($1::text::bytea) AND cardinality(subscriptions) < 100) "
    "SELECT pg_notify('lakehouse_mcp', '')";
constexpr const char* kUnsubscribe =
    "WITH done AS (UPDATE lakehouse.mcp_sessions"
    "  SET subscriptions = array_remove(subscriptions, $2)"
    "  WHERE id_hash = sha256($1::text::bytea)) "
    "SELECT pg_notify('lakehouse_mcp', '')";
constexpr const char* kEnd =
    "WITH done AS (DELETE FROM lakehouse.mcp_sessions WHERE id_hash = sha256($1::text::bytea)) "
    "SELECT pg_notify('lakehouse_mcp', '')";
// Messages that nobody has waited for in a minute go as well.
constexpr const char* kForward =
    "WITH old AS (DELETE FROM lakehouse.mcp_messages"
    "  WHERE created_at < now() - interval '1 minute'), "
    "sent AS (INSERT INTO lakehouse.mcp_messages (session_hash, message)"
    "  SELECT id_hash, $2::jsonb FROM lakehouse.mcp_sessions"
    "  WHERE id_hash = sha256($1::text::bytea)) "
    "SELECT pg_notify('lakehouse_mcp', '')";

std::string random_id() {
  std::array<unsigned char, kIdBytes> bytes{};
  if (::RAND_bytes(bytes.data(), bytes.size()) != 1) return {};
  return to_base64url({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
}

}  // namespace

Result<std::string> Sessions::begin(const oauth::Identity& caller, const Version& version,
                                    const std::string& capabilities, const Context& context) {
  std::string id = random_id();
  if (id.empty()) return Error{ErrorCode::kInternal, "no random numbers", "", ""};
  auto made = database_.query(kBegin,
                              {db::Value::text(id), db::Value::text(caller.tenant_id),
                               db::Value::text(caller.user_id), db::Value::text(caller.client_id),
                               db::Value::text(version.name), db::Value::text(capabilities)},
                              context);
  if (!made) return made.error();
  return id;
}

Result<std::optional<Session>> Sessions::find(const oauth::Identity& caller, std::string_view id,
                                              const Context& context) {
  auto rows = database_.query({kFind,
                               {db::Value::text(id), db::Value::text(caller.tenant_id),
                                db::Value::text(caller.user_id), db::Value::text(caller.client_id)},
                               "find_session"},
                              context);
  if (!rows) return rows.error();
  if (rows->count() == 0) return std::optional<Session>();
  db::Row row = rows->row(0);
  Session session;
  session.id = id;
  session.version = find_version(row.text());
  auto capabilities = json::parse(row.text());
  session.log_level = row.text();
  const auto subscriptions = json::parse(row.text());
  if (Status sound = row.finish(); !sound) return sound.error();
  if (!capabilities) return capabilities.error();
  if (!subscriptions) return subscriptions.error();
  session.capabilities = *std::move(capabilities);
  for (const json::Member& uri : subscriptions->members) {
    session.subscriptions.push_back(uri.value.text);
  }
  if (session.version == nullptr) return std::optional<Session>();
  return std::optional(std::move(session));
}

Status Sessions::set_log_level(const Session& session, std::string_view level,
                               const Context& context) {
  auto done =
      database_.query(kSetLevel, {db::Value::text(session.id), db::Value::text(level)}, context);
  return done ? kDone : Status(done.error());
}

Status Sessions::subscribe(const Session& session, std::string_view uri, bool is_wanted,
                           const Context& context) {
  auto done = database_.query(is_wanted ? kSubscribe : kUnsubscribe,
                              {db::Value::text(session.id), db::Value::text(uri)}, context);
  return done ? kDone : Status(done.error());
}

Status Sessions::end(const Session& session, const Context& context) {
  auto done = database_.query(kEnd, {db::Value::text(session.id)}, context);
  return done ? kDone : Status(done.error());
}

Status Sessions::forward(const Session& session, const std::string& message,
                         const Context& context) {
  auto done =
      database_.query(kForward, {db::Value::text(session.id), db::Value::text(message)}, context);
  return done ? kDone : Status(done.error());
}

}  // namespace lakehouse::worker::mcp
