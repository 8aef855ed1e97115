// SPDX-License-Identifier: PostgreSQL
// Four connections: `control` keeps the job, the locker the tables' locks, the writer the snapshot
// and all that is decided; the reader reads at that snapshot with the tenant's rights, which are no
// rights to what the writer writes.
#include "worker/publish/publication.hpp"

#include <algorithm>

#include "worker/io/readiness.hpp"
#include "worker/publish/checkpoints.hpp"
#include "worker/publish/commit_log.hpp"
#include "worker/publish/compaction.hpp"
#include "worker/publish/comparison.hpp"
#include "worker/publish/reload.hpp"
#include "worker/publish/retention.hpp"
#include "worker/publish/rewrite.hpp"
#include "worker/publish/sweep.hpp"

namespace lakehouse::worker::publish {
namespace {

using db::Value;

// A worker that lost the job's lock may still be at work. Its writer bears the tenant's name, and
// no other role's session counts: an advisory lock anybody could take.
constexpr const char* kTakeName =
    "SELECT set_config('application_name', 'lakehouse publish ' || $1, false)";
constexpr const char* kIsAtWork =
    "SELECT FROM pg_stat_activity WHERE usename = current_user AND pid <> pg_backend_pid() "
    "AND application_name = 'lakehouse publish ' || $1 LIMIT 1";
constexpr std::chrono::milliseconds kPatience = std::chrono::seconds(30);
constexpr std::chrono::milliseconds kLook{100};
constexpr const char* kBecomeTenant = "SELECT lakehouse.read_as_tenant($1::uuid)";
constexpr const char* kSnapshot = "SELECT pg_export_snapshot(), now()::text";
constexpr const char* kNoteFailure =
    "UPDATE lakehouse.published_tables SET last_error = $2 WHERE id = $1";
constexpr const char* kNoteSuccess =
    "UPDATE lakehouse.published_tables SET last_error = NULL WHERE id = $1";

// Of planning a query, which may run functions of the tenant's.
constexpr std::chrono::seconds kLongestPlan{60};

Error too_long_error(std::chrono::seconds limit) {
  return {ErrorCode::kTimeout, "reading the table or view takes too long",
          "A publish reads one for " + std::to_string(limit.count()) + " seconds at most.",
          "Publish a faster or smaller view, or a materialized one, or raise "
          "lakehouse.publish_table_timeout."};
}

Error slow_plan_error(std::chrono::seconds limit) {
  return {ErrorCode::kTimeout, "planning a query of the table or view takes too long",
          "It may take " + std::to_string(limit.count()) + " seconds.",
          "Publish a view whose functions are not IMMUTABLE, or a materialized one."};
}

Error at_work_error() {
  return {ErrorCode::kUnavailable, "a worker that lost this job is still at work", "",
          "It is asked again by the next publish."};
}

Error gone_error() {
  return {ErrorCode::kTableNotFound, "the published table or view no longer exists", "",
          "Remove it from its shares with lakehouse.remove_table_from_share()."};
}

}  // namespace

Publication::Publication(const Surroundings& surroundings, db::Connection& control, Job job,
                         Context context)
    : parts_(surroundings),
      control_(control),
      job_(std::move(job)),
      context_(std::move(context)),
      progress_(surroundings.pool, job_.id, job_.tenant_id, context_) {
  viewpoint_.tenant_id = job_.tenant_id;
  occasion_.job_id = job_.id;
}

Result<Outcome> Publication::run() {
  if (Status opened = open_writer(); !opened) return std::move(opened).error();
  if (Status finished = finish_decided(); !finished) return std::move(finished).error();
  if (Status decided = decide(); !decided) return std::move(decided).error();
  locks_.reset();
  progress_.begin_phase("writing logs");
  if (Status finished = finish_decided(); !finished) return std::move(finished).error();
  progress_.begin_phase("tidying up");
  if (Status tended = tend(); !tended) return std::move(tended).error();
  return std::move(outcome_);
}

Status Publication::open_writer() {
  if (writer_) return kDone;
  auto opened = db::Connection::open(parts_.database, context_, db::Work::kLong);
  if (!opened) return std::move(opened).error();
  writer_ = *std::move(opened);
  if (Status alone = wait_until_alone(); !alone) return alone;
  auto tables = read_tables(*writer_, job_.tenant_id, context_);
  if (!tables) return std::move(tables).error();
  tables_ = *std::move(tables);
  progress_.set_tables(tables_.size());
  return kDone;
}

// The name first, then whether the job is ours: so of two writers the one that lost it ends.
Status Publication::wait_until_alone() {
  const Value tenant = Value::text(job_.tenant_id);
  if (auto named = writer_->query(kTakeName, {tenant}, context_); !named) {
    return std::move(named).error();
  }
  if (Status held = check_control(); !held) return held;
  for (const Deadline end = Deadline::in(kPatience); !end.has_passed();) {
    auto others = writer_->query(kIsAtWork, {tenant}, context_);
    if (!others) return std::move(others).error();
    if (others->count() == 0) return kDone;
    io::wait_until_ready(-1, 0, {Deadline::in(kLook), context_.stop, {}});
  }
  return at_work_error();
}

Status Publication::finish_decided() {
  CommitLog log(*writer_, parts_.stores, parts_.steps);
  auto failed = log.store_pending(job_.tenant_id, context_);
  if (!failed) return std::move(failed).error();
  return note_failures(*failed);
}

Status Publication::note_failures(const std::map<std::string, Error>& failed) {
  for (const Table& table : tables_) {
    const auto found = failed.find(table.id);
    if (found == failed.end()) continue;
    if (Status noted = note_failure(table, found->second); !noted) return noted;
  }
  return kDone;
}

// All new versions, or none.
Status Publication::decide() {
  if (Status locked = lock_sources(); !locked) return locked;
  auto transaction = db::Transaction::begin(*writer_, context_, db::Isolation::kRepeatableRead);
  if (!transaction) return std::move(transaction).error();
  if (Status taken = take_snapshot(); !taken) return taken;
  for (Table& table : tables_) {
    if (has_failed(table)) continue;
    progress_.begin_table(table.id, table.expected_rows);
    if (Status published = publish_one(table); !published) return published;
    progress_.end_table();
  }
  if (Status held = check_control(); !held) return held;
  if (Status reached = parts_.steps.reach("before_commit", context_); !reached) return reached;
  if (Status committed = transaction->commit(context_); !committed) return committed;
  return parts_.steps.reach("after_commit", context_);
}

// Before the snapshot is taken: what truncates or rewrites a table is not undone by a snapshot. A
// query locks all that it reads, materialized views too, until its transaction ends.
Status Publication::lock_sources() {
  for (;;) {
    const auto locked = try_to_lock();
    if (!locked) return locked.error();
    if (*locked) return kDone;
  }
}

// False: one of the tables can't be locked; it was noted, the others are to be tried again.
Result<bool> Publication::try_to_lock() {
  locks_.reset();
  locker_.reset();
  auto opened = db::Connection::open(parts_.database, context_, db::Work::kLong);
  if (!opened) return std::move(opened).error();
  locker_ = *std::move(opened);
  auto transaction = db::Transaction::begin(*locker_, context_);
  if (!transaction) return std::move(transaction).error();
  locks_.emplace(*std::move(transaction));
  auto become = locker_->query(kBecomeTenant, {Value::text(job_.tenant_id)}, context_);
  if (!become) return std::move(become).error();
  const bool has_limit = parts_.table_timeout.count() > 0;
  const auto limit = has_limit ? std::min(parts_.table_timeout, kLongestPlan) : kLongestPlan;
  for (const Table& table : tables_) {
    if (has_failed(table)) continue;
    Status locked = gone_error();
    if (!table.source.empty()) {
      const std::string sql = "SELECT FROM " + table.source + " LIMIT 0";
      const Context bounded{Deadline::in(limit), context_.stop, context_.request_id};
      auto done = locker_->query(sql.c_str(), {}, bounded);
      locked = done ? Status(kDone) : Status(std::move(done).error());
    }
    if (locked) continue;
    const bool is_too_slow = locked.error().code == ErrorCode::kTimeout;
    if (locker_->is_abandoned() && !is_too_slow) return locked.error();
    if (is_too_slow) locked = slow_plan_error(limit);
    if (Status noted = note_failure(table, locked.error()); !noted) return noted.error();
    return false;
  }
  return true;
}

Status Publication::take_snapshot() {
  auto rows = writer_->query(kSnapshot, {}, context_);
  if (!rows) return std::move(rows).error();
  db::Row row = rows->row(0);
  viewpoint_.snapshot = row.text();
  occasion_.snapshot_at = row.text();
  if (Status sound = row.finish(); !sound) return sound;
  return parts_.steps.reach("snapshot_taken", context_);
}

// An error only if the whole job can't go on.
Status Publication::publish_one(Table& table) {
  auto savepoint = db::Savepoint::begin(*writer_, context_);
  if (!savepoint) return std::move(savepoint).error();
  Table attempt = table;
  const std::chrono::seconds limit = parts_.table_timeout;
  until_ = limit.count() == 0 ? Deadline::never() : Deadline::in(limit);
  auto versions = publish_table(attempt);
  if (!versions) {
    if (is_over()) return versions.error();
    if (Status undone = savepoint->roll_back(context_); !undone) return undone;
    const bool is_too_long = versions.error().code == ErrorCode::kTimeout && until_.has_passed();
    return note_failure(table, is_too_long ? too_long_error(limit) : versions.error());
  }
  if (Status released = savepoint->release(context_); !released) return released;
  table = std::move(attempt);
  const bool has_written = !versions->empty();
  for (auto& version : *versions) outcome_.versions.push_back(std::move(version));
  return has_written ? merge_files(table) : Status(kDone);
}

Result<std::vector<wire::PublishedVersion>> Publication::publish_table(Table& table) {
  auto columns = read_columns(*writer_, table.source_id, context_);
  if (!columns) return std::move(columns).error();
  give_ids(*columns, table.before, table.next_column_id);
  auto captured = read_captured(*writer_, table, context_);
  if (!captured) return std::move(captured).error();
  if (captured->notes > 0) {
    if (Status gone = forget_captured(*writer_, table, context_); !gone) return gone.error();
  }
  const Way way = way_of(table, *columns, *captured);
  auto key = columns->places_of(table.key);
  if (!key) return std::move(key).error();
  auto store = parts_.stores.find(table.store_id, context_);
  if (!store) return std::move(store).error();
  const Folder folder{**store, table.location, parts_.steps};
  const TableWork work{table, *columns, *key, folder, *writer_, progress_};
  auto version = make_version(work, way, *captured);
  if (!version) return std::move(version).error();
  return record(table, *columns, *version);
}

Publication::Way Publication::way_of(const Table& table, const Columns& columns,
                                     const Captured& captured) const {
  if (table.is_new() || captured.is_everything) return Way::kReload;
  if (!is_same_layout(columns.schema, table.before)) return Way::kReload;
  if (table.is_compared) return Way::kCompare;
  if (captured.notes > 0) return Way::kRewrite;
  return has_same_comments(columns.schema, table.before) ? Way::kNothing : Way::kComments;
}

Result<std::optional<Version>> Publication::make_version(const TableWork& work, Way way,
                                                         Captured& captured) {
  const auto begun = std::chrono::steady_clock::now();
  Version comments;
  comments.has_new_columns = true;
  if (way == Way::kNothing) return std::optional<Version>();
  if (way == Way::kComments) return std::optional<Version>(std::move(comments));
  std::optional<ChangedKeys> keys;
  if (way == Way::kRewrite) keys = std::move(captured.keys);
  if (way == Way::kCompare) {
    auto compared = compare(work);
    if (!compared) return std::move(compared).error();
    keys = *std::move(compared);
  }
  auto version = read_and_write(work, keys);
  if (!version) return std::move(version).error();
  version->begun = begun;
  const bool is_empty = version->added.empty() && version->removed.empty() &&
                        version->changes.empty() && !version->has_new_columns;
  if (is_empty && version->operation == Operation::kWrite) return std::optional<Version>();
  return std::optional<Version>(*std::move(version));
}

// Nothing: too many rows have changed. The reader was left in the middle of them then.
Result<std::optional<ChangedKeys>> Publication::compare(const TableWork& work) {
  auto source = open_source(work);
  if (!source) return std::move(source).error();
  auto keys = Comparison(work, *source).run(context_);
  if (!keys || !*keys) return keys;
  if (Status ended = source->end(context_); !ended) return ended.error();
  return keys;
}

Result<Version> Publication::read_and_write(const TableWork& work,
                                            std::optional<ChangedKeys>& keys) {
  auto source = open_source(work);
  if (!source) return std::move(source).error();
  auto version =
      keys ? Rewrite(work, *keys, *source).run(context_) : reload(work, *source, context_);
  if (!version) return version;
  if (Status ended = source->end(context_); !ended) return ended.error();
  return version;
}

Result<RowSource> Publication::open_source(const TableWork& work) {
  auto connection = reader();
  if (!connection) return std::move(connection).error();
  return RowSource::open(**connection, viewpoint_, work.table, work.columns, until_, context_);
}

Result<std::vector<wire::PublishedVersion>> Publication::record(
    Table& table, const Columns& columns, const std::optional<Version>& version) {
  std::vector<wire::PublishedVersion> recorded;
  if (version) {
    auto published = record_version(*writer_, table, columns, *version, occasion_, context_);
    if (!published) return std::move(published).error();
    recorded.push_back(*std::move(published));
    table.before = columns.schema;
    table.next_column_id = columns.next_id;
    if (Status reached = parts_.steps.reach("rows_recorded", context_); !reached) {
      return reached.error();
    }
  } else if (table.has_failed) {
    auto noted = writer_->query(kNoteSuccess, {Value::text(table.id)}, context_);
    if (!noted) return std::move(noted).error();
  }
  return recorded;
}

// What was published stands, whether or not this succeeds.
Status Publication::merge_files(Table& table) {
  auto savepoint = db::Savepoint::begin(*writer_, context_);
  if (!savepoint) return std::move(savepoint).error();
  Table attempt = table;
  auto merged = merge_files_of(attempt);
  if (merged) {
    if (*merged) outcome_.versions.push_back(**std::move(merged));
    table = std::move(attempt);
    return savepoint->release(context_);
  }
  if (is_over()) return merged.error();
  if (Status undone = savepoint->roll_back(context_); !undone) return undone;
  return note_failure(table, merged.error());
}

Result<std::optional<wire::PublishedVersion>> Publication::merge_files_of(Table& table) {
  const Columns columns{table.before, {}, table.next_column_id};
  auto key = columns.places_of(table.key);
  if (!key) return std::move(key).error();
  auto store = parts_.stores.find(table.store_id, context_);
  if (!store) return std::move(store).error();
  const Folder folder{**store, table.location, parts_.steps};
  auto version = compact(TableWork{table, columns, *key, folder, *writer_, progress_}, context_);
  if (!version) return std::move(version).error();
  if (!*version) return std::optional<wire::PublishedVersion>();
  auto recorded = record_version(*writer_, table, columns, **version, occasion_, context_);
  if (!recorded) return std::move(recorded).error();
  return std::optional<wire::PublishedVersion>(*std::move(recorded));
}

// One that a table left in mid-statement is replaced.
Result<db::Connection*> Publication::reader() {
  if (!reader_ || reader_->is_abandoned()) {
    reader_.reset();
    auto opened = db::Connection::open(parts_.database, context_, db::Work::kLong);
    if (!opened) return std::move(opened).error();
    reader_ = *std::move(opened);
  }
  return &*reader_;
}

// Whether the job is still ours.
Status Publication::check_control() {
  auto answer = control_.query("SELECT 1", {}, context_);
  if (!answer) return std::move(answer).error();
  return kDone;
}

// What was published stands, whether or not this succeeds.
Status Publication::tend() {
  for (const Table& table : tables_) {
    if (has_failed(table) || table.is_new()) continue;
    const Status tended = tend_one(table);
    if (tended) continue;
    if (is_over()) return tended;
    if (Status noted = note_failure(table, tended.error()); !noted) return noted;
  }
  return kDone;
}

Status Publication::tend_one(const Table& table) {
  auto store = parts_.stores.find(table.store_id, context_);
  if (!store) return std::move(store).error();
  Retention retention(*writer_, parts_.steps, parts_.retention);
  if (Status kept = retention.apply(table, **store, context_); !kept) return kept;
  const auto is_of_table = [&](const auto& version) { return version.table == table.name; };
  if (std::ranges::none_of(outcome_.versions, is_of_table)) return kDone;
  return Checkpoints(*writer_, parts_.steps).write_if_due(table, **store, context_);
}

// A store that is out is asked once, not once a table: each request to it is tried for long.
Result<std::map<std::string, Error>> Publication::sweep() {
  if (Status opened = open_writer(); !opened) return std::move(opened).error();
  Sweep sweep(*writer_, parts_.stores);
  std::map<std::string, Error> failed;
  std::map<std::string, Error> stores_that_are_out;
  std::int64_t files = 0;
  for (const Table& table : tables_) {
    if (const auto out = stores_that_are_out.find(table.store_id);
        out != stores_that_are_out.end()) {
      failed.emplace(table.id, out->second);
      continue;
    }
    auto swept = sweep.clean_table(table, context_);
    if (swept) {
      files += *swept;
      continue;
    }
    if (is_over()) return std::move(swept).error();
    if (swept.error().code == ErrorCode::kUnavailable) {
      stores_that_are_out.emplace(table.store_id, swept.error());
    }
    failed.emplace(table.id, std::move(swept).error());
  }
  if (files > 0) {
    parts_.log.write(LogLevel::kInfo, "dangling files removed", context_.request_id,
                     {{"tenant_id", std::string_view(job_.tenant_id)}, {"files", files}});
  }
  return failed;
}

// Its message may quote a row, so the log has its code alone.
Status Publication::note_failure(const Table& table, const Error& error) {
  failed_.insert_or_assign(table.id, error);
  parts_.log.write(LogLevel::kWarning, "table was not published", context_.request_id,
                   {{"table", std::string_view(table.name)}, {"code", facts_of(error.code).name}});
  if (!outcome_.failure) {
    outcome_.failure = error;
    outcome_.failure->message = "could not publish \"" + table.name + "\": " + error.message;
  }
  auto noted = writer_->query(kNoteFailure, {Value::text(table.id), Value::text(error_text(error))},
                              context_);
  if (!noted) return std::move(noted).error();
  return kDone;
}

}  // namespace lakehouse::worker::publish
