// SPDX-License-Identifier: PostgreSQL
// LISTEN, then look whenever there is reason to, and every second while streams are open.
#include "worker/mcp/bus.hpp"

#include <set>

#include "core/base/scope_exit.hpp"
#include "worker/io/readiness.hpp"
#include "worker/json/value.hpp"

namespace lakehouse::worker::mcp {
namespace {

constexpr const char* kListen = "LISTEN lakehouse_mcp";
constexpr const char* kListenToo = "LISTEN lakehouse_catalog";
// Messages that nobody has waited for in a minute go as well.
constexpr const char* kTake =
    "WITH old AS (DELETE FROM lakehouse.mcp_messages WHERE created_at < now() - interval '1 "
    "minute'), "
    "mine AS (SELECT id, sha256(id::bytea) AS hash"
    " FROM json_array_elements_text($1::json) AS k(id)) "
    "DELETE FROM lakehouse.mcp_messages m USING mine WHERE m.session_hash = mine.hash"
    " RETURNING mine.id, m.message::text";
constexpr const char* kAskDead =
    "SELECT k.id::bigint FROM json_array_elements_text($1::json) AS k(id)"
    " WHERE NOT lakehouse.is_live_token(k.id::bigint)";
constexpr std::chrono::milliseconds kLook = std::chrono::seconds(1);
// A connection may be gone without a word: an answer says that it was there, and for how long that
// counts is longer than a look takes.
constexpr const char* kProbe = "SELECT 1 AS heard";
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
// told that lists may have changed.
Status Bus::listen(const std::stop_token& stop) {
  const Context opening{Deadline::in(kAnswerTime), stop, {}};
  auto connection = db::Connection::open(target_, opening);
  if (!connection) return connection.error();
  for (const char* statement : {kListen, kListenToo}) {
    if (auto done = connection->query(statement, {}, opening); !done) return done.error();
  }
  const ScopeExit deaf([this]() noexcept { tool_lists_.distrust(); });
  if (std::exchange(has_failed_, false)) {
    for (const char* list : {"tools", "prompts", "resources"}) listeners_.announce_list(list);
  }
  while (!stop.stop_requested()) {
    const Context answering{Deadline::in(kAnswerTime), stop, {}};
    const auto asked_at = ToolLists::Clock::now();
    if (Status taken = take_messages(*connection, answering); !taken) return taken;
    if (Status ended = end_revoked(*connection, answering); !ended) return ended;
    if (auto alive = connection->query(kProbe, {}, answering); !alive) return alive.error();
    // What was notified before the probe came with its answer.
    if (Status heard = hear(*connection, {Deadline::in(std::chrono::seconds(0)), stop, {}}); !heard)
      return heard;
    tool_lists_.trust_until(asked_at + kTrust);
    if (Status heard = hear(*connection, {Deadline::in(kLook), stop, {}}); !heard) return heard;
  }
  return kDone;
}

Status Bus::hear(db::Connection& connection, const Context& context) {
  const auto heard = connection.wait_for_notification(context);
  if (!heard) return heard.error();
  std::set<std::string> changes;
  for (const db::Notification& notification : *heard) {
    if (notification.channel == "lakehouse_catalog") changes.insert(notification.payload);
  }
  // Whoever is told asks at once.
  if (changes.contains("tools")) tool_lists_.forget();
  for (const std::string& change : changes) announce(change);
  return kDone;
}

Status Bus::take_messages(db::Connection& connection, const Context& context) {
  const std::set<std::string> sessions = running_.sessions();
  if (sessions.empty()) return kDone;
  const std::string ids = json::strings({sessions.begin(), sessions.end()});
  const auto rows = connection.query(kTake, {db::Value::text(ids)}, context);
  if (!rows) return rows.error();
  for (int i = 0; i < rows->count(); ++i) {
    db::Row row = rows->row(i);
    const std::string session = row.text();
    const auto message = json::parse(row.text());
    if (Status sound = row.finish(); !sound) return sound.error();
    if (message) pass_on(session, *message);
  }
  return kDone;
}

void Bus::pass_on(const std::string& session, const json::Value& message) {
  if (message.string("method") == "notifications/cancelled") {
    const json::Value* id = message.object("params").find("requestId");
    if (id != nullptr) running_.cancel(session, id->to_json());
    return;
  }
  const json::Value* id = message.find("id");
  if (id != nullptr) running_.deliver(session, id->to_json(), message);
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
