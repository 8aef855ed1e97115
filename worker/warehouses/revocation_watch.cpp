// SPDX-License-Identifier: PostgreSQL
// LISTEN, then one question about all connections in use whenever there is reason to ask.
#include "worker/warehouses/revocation_watch.hpp"

#include <set>

#include "worker/io/readiness.hpp"

namespace lakehouse::worker::warehouses {
namespace {

constexpr const char* kListen = "LISTEN lakehouse_connections";
constexpr const char* kAsk =
    "SELECT k.id::uuid::text, (c.id IS NULL)::int FROM unnest($1::text[]) AS k(id) "
    "LEFT JOIN lakehouse.warehouse_connections c ON c.id = k.id::uuid "
    "WHERE c.id IS NULL OR c.status = 'revoked'";
constexpr std::size_t kUuidDigits = 32;
constexpr std::chrono::milliseconds kLook = std::chrono::seconds(5);
constexpr std::chrono::milliseconds kAnswerTime = std::chrono::seconds(10);
constexpr std::chrono::milliseconds kPauseAfterFailure{500};

bool is_uuid(const std::string& key) {
  return key.size() == kUuidDigits &&
         key.find_first_not_of("0123456789abcdef") == std::string::npos;
}

// As the text of an array.
std::string join(const std::set<std::string>& keys) {
  std::string text = "{";
  for (const std::string& key : keys) {
    if (!is_uuid(key)) continue;
    if (text.size() > 1) text.push_back(',');
    text.append(key);
  }
  return text + "}";
}

Error dropped_error() {
  return {ErrorCode::kNotFound, "warehouse connection was dropped", "",
          "Connect the warehouse again, or drop the foreign server too."};
}

void pause(const std::stop_token& stop) {
  io::wait_until_ready(-1, 0, Context{Deadline::in(kPauseAfterFailure), stop, {}});
}

}  // namespace

RevocationWatch::RevocationWatch(db::Target target, gateway::Uses& uses, Registry& registry,
                                 log::Log& log)
    : target_(std::move(target)), uses_(uses), registry_(registry), log_(log) {
  thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
}

void RevocationWatch::run(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    try {
      if (Status listened = listen(stop); !listened) report_failure(listened.error());
    } catch (const std::exception& exception) {
      log_.write(LogLevel::kError, "unexpected exception", {},
                 {{"error", std::string_view(exception.what())}});
    }
    pause(stop);
  }
}

// Until the connection is lost. What happened before LISTEN is found by the first look.
Status RevocationWatch::listen(const std::stop_token& stop) {
  const Context opening{Deadline::in(kAnswerTime), stop, {}};
  auto connection = db::Connection::open(target_, opening);
  if (!connection) return connection.error();
  if (auto listening = connection->query(kListen, {}, opening); !listening) {
    return listening.error();
  }
  has_failed_ = false;
  while (!stop.stop_requested()) {
    if (Status looked = look(*connection, stop); !looked) return looked;
    const Context waiting{Deadline::in(kLook), stop, {}};
    const auto notified = connection->wait_for_notification(waiting);
    if (!notified) return notified.error();
  }
  return kDone;
}

Status RevocationWatch::look(db::Connection& connection, const std::stop_token& stop) {
  std::set<std::string> keys = uses_.connections();
  for (const std::string& id : registry_.connections()) keys.insert(gateway::connection_key(id));
  if (keys.empty()) return kDone;
  auto rows = connection.query(kAsk, {db::Value::text(join(keys))},
                               Context{Deadline::in(kAnswerTime), stop, {}});
  if (!rows) return rows.error();
  for (int i = 0; i < rows->count(); ++i) {
    db::Row row = rows->row(i);
    const std::string id = row.text();
    const bool is_dropped = row.integer() != 0;
    if (Status sound = row.finish(); !sound) return sound.error();
    end(id, is_dropped);
  }
  return kDone;
}

void RevocationWatch::end(const std::string& connection_id, bool is_dropped) {
  registry_.forget(connection_id);
  const std::uint64_t requests =
      uses_.end(connection_id, is_dropped ? dropped_error() : revoked_error());
  if (requests == 0) return;
  log_.write(LogLevel::kInfo, is_dropped ? "connection dropped" : "connection revoked", {},
             {{"connection_id", std::string_view(connection_id)}, {"ended_requests", requests}});
}

void RevocationWatch::report_failure(const Error& error) {
  if (error.code == ErrorCode::kCancelled || has_failed_) return;
  has_failed_ = true;
  log_.failure("revocations can't be watched; trying on", error);
}

}  // namespace lakehouse::worker::warehouses
