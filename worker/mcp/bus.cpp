// SPDX-License-Identifier: PostgreSQL
// LISTEN, then look whenever there is reason to, and every second while streams are open.
#include "worker/mcp/bus.hpp"

#include <set>

#include "core/base/scope_exit.hpp"
#include "worker/io/readiness.hpp"
#include "worker/json/value.hpp"

namespace lakehouse::worker::mcp {
namespace {

// Which of the worker's sessions it is, for who looks at pg_stat_activity.
constexpr const char* kName = "SET application_name = 'lakehouse-worker bus'";
constexpr const char* kListen = "LISTEN lakehouse_mcp";
constexpr const char* kListenToo = "LISTEN lakehouse_catalog";
// A session may have requests at several workers: a message goes only when its request was found.
constexpr const char* kRead =
    "SELECT m.id, k.id, m.message::text FROM json_array_elements_text($1::json) AS k(id)"
    " JOIN lakehouse.mcp_messages m ON m.session_hash = sha256(k.id::bytea) ORDER BY m.id";
constexpr const char* kForget =
    "DELETE FROM lakehouse.mcp_messages WHERE id IN"
    " (SELECT k.id::bigint FROM json_array_elements_text($1::json) AS k(id))";
constexpr const char* kFollow =
    "SELECT k.id, to_json(s.subscriptions)::text FROM json_array_elements_text($1::json) AS k(id)"
    " LEFT JOIN lakehouse.mcp_sessions s ON s.id_hash = sha256(k.id::bytea)";
constexpr const char* kAskDead =
    "SELECT k.id::bigint FROM json_array_elements_text($1::json) AS k(id)"
    " WHERE NOT lakehouse.is_live_token(k.id::bigint)";
constexpr std::chrono::milliseconds kLook = std::chrono::seconds(1);
// A connection may be gone without a word: an answer says that it was there, and for how long that
// counts is longer than a look takes.
constexpr const char* kProbe = "SELECT 1";
constexpr std::chrono::milliseconds kTrust = std::chrono::seconds(3);
constexpr std::chrono::milliseconds kAnswerTime = std::chrono::seconds(10);
constexpr std::chrono::milliseconds kPauseAfterFailure{500};

}  // namespace

Bus::Bus(db::Target target, Running& running, Listeners& listeners, ToolLists& tool_lists,
         log::Log& log)
    : target_(std::move(target)),
      running_(running),
      listeners_(listeners),
      tool_lists_(tool_lists),
      log_(log) {
  thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
}

void Bus::run(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    try {
      const Status listened = listen(stop);
      const bool is_news = !listened && listened.error().code != ErrorCode::kCancelled;
      if (is_news && !std::exchange(has_failed_, true)) {
        log_.failure("messages between workers are not heard; trying on", listened.error());
      }
    } catch (const std::exception& exception) {
      log_.write(LogLevel::kError, "unexpected exception", {},
                 {{"error", std::string_view(exception.what())}});
    }
    io::wait_until_ready(-1, 0, Context{Deadline::in(kPauseAfterFailure), stop, {}});
  }
}

// Until the connection is lost. What was said meanwhile is found by the first look; clients are
// told that lists, and what they have subscribed to, may have changed.
Status Bus::listen(const std::stop_token& stop) {
  const Context opening{Deadline::in(kAnswerTime), stop, {}};
  auto connection = db::Connection::open(target_, opening);
  if (!connection) return connection.error();
  for (const char* statement : {kName, kListen, kListenToo}) {
    if (auto done = connection->query(statement, {}, opening); !done) return done.error();
  }
  const ScopeExit deaf([this]() noexcept { tool_lists_.distrust(); });
  if (std::exchange(has_failed_, false)) {
    for (const char* list : {"tools", "prompts", "resources"}) listeners_.announce_list(list);
    listeners_.announce_resources();
  }
  std::set<std::string> changes;  // told once it is known who has subscribed before them
  while (!stop.stop_requested()) {
    const Context answering{Deadline::in(kAnswerTime), stop, {}};
    const auto asked_at = ToolLists::Clock::now();
    if (auto alive = connection->query(kProbe, {}, answering); !alive) return alive.error();
    // What was notified before the probe came with its answer.
    const Context at_once{Deadline::in(std::chrono::seconds(0)), stop, {}};
    if (Status heard = hear(*connection, changes, at_once); !heard) return heard;
    tool_lists_.trust_until(asked_at + kTrust);
    if (Status taken = take_messages(*connection, answering); !taken) return taken;
    if (Status ended = end_revoked(*connection, answering); !ended) return ended;
    if (Status followed = follow_sessions(*connection, answering); !followed) return followed;
    for (const std::string& change : std::exchange(changes, {})) announce(change);
    const Context looking{Deadline::in(kLook), stop, {}};
    if (Status heard = hear(*connection, changes, looking); !heard) return heard;
  }
  return kDone;
}

// Adds to `changes`. Lists go at once: who is told of a change asks for them.
Status Bus::hear(db::Connection& connection, std::set<std::string>& changes,
                 const Context& context) {
  const auto heard = connection.wait_for_notification(context);
  if (!heard) return heard.error();
  for (const db::Notification& notification : *heard) {
    if (notification.channel != "lakehouse_catalog") continue;
    if (notification.payload == "tools") tool_lists_.forget();
    changes.insert(notification.payload);
  }
  return kDone;
}

Status Bus::take_messages(db::Connection& connection, const Context& context) {
  const std::set<std::string> sessions = running_.sessions();
  if (sessions.empty()) return kDone;
  const std::string ids = json::strings({sessions.begin(), sessions.end()});
  const auto rows = connection.query(kRead, {db::Value::text(ids)}, context);
  if (!rows) return rows.error();
  std::vector<std::string> arrived;
  for (int i = 0; i < rows->count(); ++i) {
    db::Row row = rows->row(i);
    const std::int64_t id = row.integer();
    const std::string session = row.text();
    const auto message = json::parse(row.text());
    if (Status sound = row.finish(); !sound) return sound.error();
    if (message && pass_on(session, *message)) arrived.push_back(std::to_string(id));
  }
  if (arrived.empty()) return kDone;
  const auto done = connection.query(kForget, {db::Value::text(json::strings(arrived))}, context);
  return done ? kDone : Status(done.error());
}

bool Bus::pass_on(const std::string& session, const json::Value& message) {
  if (message.string("method") == "notifications/cancelled") {
    const json::Value* id = message.object("params").find("requestId");
    return id != nullptr && running_.cancel(session, id->to_json());
  }
  const json::Value* id = message.find("id");
  return id != nullptr && running_.deliver(session, id->to_json(), message);
}

// Another worker may have ended a session, or changed what it has subscribed to.
Status Bus::follow_sessions(db::Connection& connection, const Context& context) {
  std::set<std::string> sessions = listeners_.sessions();
  sessions.merge(running_.sessions());
  if (sessions.empty()) return kDone;
  const std::string ids = json::strings({sessions.begin(), sessions.end()});
  const auto rows = connection.query(kFollow, {db::Value::text(ids)}, context);
  if (!rows) return rows.error();
  for (int i = 0; i < rows->count(); ++i) {
    db::Row row = rows->row(i);
    const std::string session = row.text();
    const auto subscriptions = row.text_or_null();
    if (Status sound = row.finish(); !sound) return sound.error();
    if (!subscriptions) {
      running_.end(session);
      listeners_.end_session(session);
    } else if (const auto uris = json::parse(*subscriptions)) {
      std::set<std::string, std::less<>> resources;
      for (const json::Member& uri : uris->members) resources.insert(uri.value.text);
      listeners_.follow(session, resources);
    }
  }
  return kDone;
}

Status Bus::end_revoked(db::Connection& connection, const Context& context) {
  std::set<std::int64_t> tokens = listeners_.tokens();
  tokens.merge(running_.tokens());
  if (tokens.empty()) return kDone;
  std::vector<std::string> ids;
  for (const std::int64_t token : tokens) ids.push_back(std::to_string(token));
  const auto rows = connection.query(kAskDead, {db::Value::text(json::strings(ids))}, context);
  if (!rows) return rows.error();
  std::set<std::int64_t> dead;
  for (int i = 0; i < rows->count(); ++i) {
    db::Row row = rows->row(i);
    dead.insert(row.integer());
    if (Status sound = row.finish(); !sound) return sound.error();
  }
  if (dead.empty()) return kDone;
  listeners_.end_tokens(dead);
  running_.end_tokens(dead);
  return kDone;
}

// "tools", or "resource <tenant's id> <uri>".
void Bus::announce(const std::string& what) {
  constexpr std::string_view kResource = "resource ";
  if (!what.starts_with(kResource)) return listeners_.announce_list(what);
  const std::size_t blank = what.find(' ', kResource.size());
  if (blank == std::string::npos) return;
  listeners_.announce_resource(what.substr(kResource.size(), blank - kResource.size()),
                               what.substr(blank + 1));
}

}  // namespace lakehouse::worker::mcp
