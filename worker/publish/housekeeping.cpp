// SPDX-License-Identifier: PostgreSQL
// A notification comes when a folder is abandoned; rows are looked at once a minute.
#include "worker/publish/housekeeping.hpp"

#include <vector>

#include "worker/io/readiness.hpp"
#include "worker/publish/changed_keys.hpp"
#include "worker/publish/sweep.hpp"

namespace lakehouse::worker::publish {
namespace {

using db::Value;

constexpr const char* kListen = "LISTEN lakehouse_publish";
constexpr const char* kIsAbandoned = "SELECT FROM lakehouse.abandoned_folders LIMIT 1";
// Whoever looks for why a job failed looks within weeks.
constexpr const char* kForgetJobs =
    "DELETE FROM lakehouse.publish_jobs WHERE state <> 'queued' AND finished_at < now() - "
    "interval '30 days'";
// Twice the keys that a publish may take: then most keys were noted more than once, or the publish
// is to load the table anew. About 120 MB.
constexpr std::int64_t kMostNotes = 2 * static_cast<std::int64_t>(kMostChangedKeys);
constexpr const char* kFull =
    "SELECT t.id::text FROM lakehouse.published_tables t CROSS JOIN LATERAL (SELECT count(*) AS "
    "notes FROM (SELECT FROM lakehouse.captured_changes c WHERE c.table_id = t.id "
    "LIMIT $1::int8 + 1) AS noted) AS counted WHERE counted.notes > $1";
// A publish under way holds this lock, and would fail if what it consumes went.
constexpr const char* kLockTenant =
    "SELECT FROM lakehouse.publishers p JOIN lakehouse.published_tables t USING (tenant_id) "
    "WHERE t.id = $1 FOR UPDATE OF p SKIP LOCKED";
// What is committed later is noted beside. NULL: every row may have changed.
constexpr const char* kFold =
    "WITH gone AS (DELETE FROM lakehouse.captured_changes WHERE table_id = $1 RETURNING key), "
    "kept AS MATERIALIZED (SELECT DISTINCT key FROM gone LIMIT $2::int8 + 1), "
    "counted AS (SELECT count(*) > $2 OR bool_or(key IS NULL) AS is_everything FROM kept) "
    "INSERT INTO lakehouse.captured_changes (table_id, key) "
    "SELECT $1::uuid, key FROM kept, counted WHERE NOT is_everything "
    "UNION ALL SELECT $1::uuid, NULL FROM counted WHERE is_everything";

constexpr std::chrono::milliseconds kLook = std::chrono::seconds(5);
constexpr std::chrono::milliseconds kAnswerTime = std::chrono::seconds(10);
constexpr std::chrono::milliseconds kFolderTime = std::chrono::minutes(1);
constexpr std::chrono::milliseconds kTidyingTime = std::chrono::minutes(10);
constexpr std::chrono::milliseconds kTidyingPause = std::chrono::minutes(1);
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
    if (next_tidying_.has_passed()) {
      const Context of_rows{Deadline::in(kTidyingTime), stop, "publish"};
      if (Status done = tidy_rows(of_rows); !done) return done;
      next_tidying_ = Deadline::in(kTidyingPause);
    }
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

Status Housekeeping::tidy_rows(const Context& context) {
  auto connection = db::Connection::open(database_, context, db::Work::kLong);
  if (!connection) return std::move(connection).error();
  if (auto forgotten = connection->query(kForgetJobs, {}, context); !forgotten) {
    return std::move(forgotten).error();
  }
  return fold_captures(*connection, context);
}

// Keeps each key once; of more than a publish would take, that every row may have changed. So it
// changes nothing for the next publish, and what is kept is bounded.
Status Housekeeping::fold_captures(db::Connection& connection, const Context& context) {
  auto full = connection.query(kFull, {Value::integer(kMostNotes)}, context);
  if (!full) return std::move(full).error();
  for (int i = 0; i < full->count(); ++i) {
    const Value table = Value::text(full->row(i).text());
    auto transaction = db::Transaction::begin(connection, context);
    if (!transaction) return std::move(transaction).error();
    auto locked = connection.query(kLockTenant, {table}, context);
    if (!locked) return std::move(locked).error();
    if (locked->count() > 0) {
      const Value most = Value::integer(static_cast<std::int64_t>(kMostChangedKeys));
      auto folded = connection.query(kFold, {table, most}, context);
      if (!folded) return std::move(folded).error();
    }
    if (Status committed = transaction->commit(context); !committed) return committed;
  }
  return kDone;
}

void Housekeeping::report_trouble(const Error& error) {
  if (error.code == ErrorCode::kCancelled || has_failed_) return;
  has_failed_ = true;
  log_.failure("housekeeping of publishing fails; trying on", error);
}

}  // namespace lakehouse::worker::publish
