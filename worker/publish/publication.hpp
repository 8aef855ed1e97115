// SPDX-License-Identifier: PostgreSQL
// Publication: one publish of one tenant. What was decided before is brought into the logs first;
// then all tables are read at one snapshot, and their new versions decided in one transaction; then
// those are brought into the logs. A table that can't be published keeps its version, the others go
// on.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/base/context.hpp"
#include "core/base/result.hpp"
#include "worker/db/pool.hpp"
#include "worker/log/log.hpp"
#include "worker/publish/changed_keys.hpp"
#include "worker/publish/debug_steps.hpp"
#include "worker/publish/outcome.hpp"
#include "worker/publish/progress.hpp"
#include "worker/publish/row_source.hpp"
#include "worker/publish/stores.hpp"
#include "worker/publish/table_work.hpp"
#include "worker/publish/version.hpp"

namespace lakehouse::worker::publish {

// What publishing needs of the worker; references outlive it.
struct Surroundings {
  const db::Target& database;
  db::Pool& pool;
  Stores& stores;
  const DebugSteps& steps;
  std::chrono::minutes retention;
  std::chrono::seconds table_timeout;  // of reading one source; 0: none
  log::Log& log;
};

class Publication {
 public:
  // `control` holds the job's locks. References outlive it.
  Publication(const Surroundings& surroundings, db::Connection& control, Job job, Context context);

  // Errors: what ends the whole job; nothing is decided then that the database does not know.
  Result<Outcome> run();

  // Removes what no version has; `run` need not have been called. Returns what failed, by table id.
  Result<std::map<std::string, Error>> sweep();

  // Before `run`: tables that it leaves as they are.
  Status note_failures(const std::map<std::string, Error>& failed);

 private:
  enum class Way : std::uint8_t { kNothing, kComments, kReload, kCompare, kRewrite };

  Status open_writer();
  Status wait_until_alone();
  Status finish_decided();
  Status decide();
  Status lock_sources();
  Result<bool> try_to_lock();
  Status take_snapshot();
  Status publish_one(Table& table);
  Result<std::vector<wire::PublishedVersion>> publish_table(Table& table);
  Way way_of(const Table& table, const Columns& columns, const Captured& captured) const;
  Result<std::optional<Version>> make_version(const TableWork& work, Way way, Captured& captured);
  Result<std::optional<ChangedKeys>> compare(const TableWork& work);
  Result<Version> read_and_write(const TableWork& work, std::optional<ChangedKeys>& keys);
  Result<RowSource> open_source(const TableWork& work);
  Result<std::vector<wire::PublishedVersion>> record(Table& table, const Columns& columns,
                                                     const std::optional<Version>& version);
  Status merge_files(Table& table);
  Result<std::optional<wire::PublishedVersion>> merge_files_of(Table& table);
  Result<db::Connection*> reader();
  Status check_control();
  Status tend();
  Status tend_one(const Table& table);
  Status note_failure(const Table& table, const Error& error);
  // Nothing can go on after an error: it isn't one table's.
  bool is_over() const { return writer_->is_abandoned() || context_.stop.stop_requested(); }
  bool has_failed(const Table& table) const { return failed_.contains(table.id); }

  const Surroundings& parts_;
  db::Connection& control_;
  const Job job_;
  const Context context_;
  Progress progress_;
  std::optional<db::Connection> writer_;  // what is decided, and the snapshot
  std::optional<db::Connection> locker_;  // keeps the tables as the snapshot sees them
  std::optional<db::Transaction> locks_;
  std::optional<db::Connection> reader_;  // reads as the tenant
  Viewpoint viewpoint_;
  Deadline until_ = Deadline::never();  // of reading the table at work
  Occasion occasion_;
  std::vector<Table> tables_;
  std::map<std::string, Error> failed_;  // by table id
  Outcome outcome_;
};

}  // namespace lakehouse::worker::publish
