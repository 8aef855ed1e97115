// SPDX-License-Identifier: PostgreSQL
// A notification comes when a folder is abandoned.
#include "worker/publish/housekeeping.hpp"

#include "worker/io/readiness.hpp"
#include "worker/publish/sweep.hpp"

namespace lakehouse::worker::publish {
namespace {

constexpr const char* kListen = "LISTEN lakehouse_publish";
constexpr const char* kIsAbandoned = "SELECT FROM lakehouse.abandoned_folders LIMIT 1";

constexpr std::chrono::milliseconds kLook = std::chrono::seconds(5);
constexpr std::chrono::milliseconds kAnswerTime = std::chrono::seconds(10);
constexpr std::chrono::milliseconds kFolderTime = std::chrono::minutes(1);
constexpr std::chrono::milliseconds kPauseAfterFailure{500};

}  // namespace

Housekeeping::Housekeeping(const db::Target& database, Stores& stores, log::Log& log)
    : database_(database), stores_(stores), log_(log) {
  thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
}

void Housekeeping::run(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    try {
      if (Status listened = listen(stop); !listened) report_trouble(listened.error());
    } catch (const std::exception& exception) {
      log_.write(LogLevel::kError, "unexpected exception", {},
                 {{"error", std::string_view(exception.what())}});
    }
    io::wait_until_ready(-1, 0, Context{Deadline::in(kPauseAfterFailure), stop, {}});
  }
}

// Until the connection is lost.
Status Housekeeping::listen(const std::stop_token& stop) {
  const Context opening{Deadline::in(kAnswerTime), stop, {}};
  auto connection = db::Connection::open(database_, opening);
  if (!connection) return std::move(connection).error();
  if (auto listening = connection->query(kListen, {}, opening); !listening) {
    return std::move(listening).error();
  }
  while (!stop.stop_requested()) {
    const Context of_folders{Deadline::in(kFolderTime), stop, "publish"};
    if (Status done = empty_abandoned_folders(*connection, of_folders); !done) return done;
    has_failed_ = false;
    const auto notified = connection->wait_for_notification({Deadline::in(kLook), stop, {}});
    if (!notified) return notified.error();
  }
  return kDone;
}

// A store that fails now is asked again at the next look.
Status Housekeeping::empty_abandoned_folders(db::Connection& connection, const Context& context) {
  auto found = connection.query(kIsAbandoned, {}, context);
  if (!found) return std::move(found).error();
  if (found->count() == 0) return kDone;
  auto sweeper = db::Connection::open(database_, context, db::Work::kLong);
  if (!sweeper) return std::move(sweeper).error();
  const auto files = Sweep(*sweeper, stores_).empty_abandoned_folders(context);
  if (!files) {
    report_trouble(files.error());
  } else if (*files > 0) {
    log_.write(LogLevel::kInfo, "abandoned folders emptied", context.request_id,
               {{"files", *files}});
  }
  return kDone;
}

void Housekeeping::report_trouble(const Error& error) {
  if (error.code == ErrorCode::kCancelled || has_failed_) return;
  has_failed_ = true;
  log_.failure("housekeeping of publishing fails; trying on", error);
}

}  // namespace lakehouse::worker::publish
