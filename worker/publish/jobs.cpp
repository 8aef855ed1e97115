// SPDX-License-Identifier: PostgreSQL
// LISTEN, then a look for jobs whenever there is reason to, and every few seconds: a notification
// may be missed, and a job becomes free when its worker dies.
#include "worker/publish/jobs.hpp"

#include "worker/io/readiness.hpp"
#include "worker/publish/live_file.hpp"

namespace lakehouse::worker::publish {
namespace {

using db::Value;

constexpr const char* kListen = "LISTEN lakehouse_publish";
constexpr const char* kIsQueued =
    "SELECT FROM lakehouse.publish_jobs WHERE state = 'queued' LIMIT 1";
// The tenant's lock first: whoever has it is alone with the tenant's jobs.
constexpr const char* kClaim =
    "SELECT j.id, j.tenant_id::text FROM lakehouse.publish_jobs j "
    "JOIN lakehouse.publishers p USING (tenant_id) WHERE j.state = 'queued' AND j.id <> ALL ($1) "
    "ORDER BY j.id LIMIT 1 FOR UPDATE OF p SKIP LOCKED";
constexpr const char* kClaimJob =
    "SELECT FROM lakehouse.publish_jobs WHERE id = $1 AND state = 'queued' FOR UPDATE SKIP LOCKED";
constexpr const char* kWaitForTenant =
    "SELECT set_config('lock_timeout', '0', true) FROM "
    "(SELECT FROM lakehouse.publishers WHERE tenant_id = $1) AS known";
constexpr const char* kClaimTenant =
    "SELECT FROM lakehouse.publishers WHERE tenant_id = $1 FOR UPDATE";
constexpr const char* kRequest =
    "INSERT INTO lakehouse.publish_jobs (tenant_id, requested_by) VALUES ($1, $2) RETURNING id";
constexpr const char* kEnd =
    "UPDATE lakehouse.publish_jobs SET state = $2, finished_at = clock_timestamp(), error = $3 "
    "WHERE id = $1";
// Nobody else publishes the tenant, so what is there was left by a worker that died.
constexpr const char* kForgetSteps =
    "DELETE FROM lakehouse.publish_steps WHERE tenant_id = $1 RETURNING job_id";

constexpr std::chrono::milliseconds kLook = std::chrono::seconds(5);
constexpr std::chrono::milliseconds kAnswerTime = std::chrono::seconds(10);
constexpr std::chrono::milliseconds kSweepTime = std::chrono::minutes(1);
constexpr std::chrono::milliseconds kPauseAfterFailure{500};

Error no_share_error() {
  return {ErrorCode::kInvalidArgument, "the tenant has no share", "",
          "Make one with lakehouse.create_share() and commit."};
}

void pause(const std::stop_token& stop) {
  io::wait_until_ready(-1, 0, Context{Deadline::in(kPauseAfterFailure), stop, {}});
}

}  // namespace

// Something that this process does a limited number of times at once, by its name.
class Jobs::Turn {
 public:
  // A publish: its memory is enough for so many.
  static Turn of_publish(Jobs& jobs, const Context& context) {
    return Turn(jobs, "", jobs.most_, context);
  }
  // Of requests to publish a tenant now, one at a time: the others take no place of another
  // tenant's while they wait.
  static Turn of_tenant(Jobs& jobs, const std::string& tenant_id, const Context& context) {
    return Turn(jobs, tenant_id, 1, context);
  }
  ~Turn() {
    if (!has_it_) return;
    {
      const std::scoped_lock lock(jobs_.mutex_);
      jobs_.busy_.erase(jobs_.busy_.find(name_));
    }
    jobs_.freed_.notify_all();
  }
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;
  bool has_it() const noexcept { return has_it_; }

 private:
  Turn(Jobs& jobs, std::string name, std::size_t most, const Context& context)
      : jobs_(jobs), name_(std::move(name)) {
    std::unique_lock lock(jobs_.mutex_);
    has_it_ =
        jobs_.freed_.wait(lock, context.stop, [&] { return jobs_.busy_.count(name_) < most; });
    if (has_it_) jobs_.busy_.insert(name_);
  }

  Jobs& jobs_;
  const std::string name_;
  bool has_it_ = false;
};

Jobs::Jobs(Surroundings surroundings, std::size_t most, metrics::Counters& counters)
    : parts_(surroundings), most_(most), counters_(counters) {
  for (std::size_t i = 0; i < most_; ++i) threads_.emplace_back([this] { run(); });
}

void Jobs::run() {
  const std::stop_token stop = ending_.get_token();
  while (!stop.stop_requested()) {
    try {
      if (Status listened = listen(); !listened) report_trouble(listened.error());
    } catch (const std::exception& exception) {
      parts_.log.write(LogLevel::kError, "unexpected exception", {},
                       {{"error", std::string_view(exception.what())}});
    }
    pause(stop);
  }
}

// Until the connection is lost. What was asked for before LISTEN is found by the first look.
Status Jobs::listen() {
  const std::stop_token stop = ending_.get_token();
  const Context opening{Deadline::in(kAnswerTime), stop, {}};
  auto connection = db::Connection::open(parts_.database, opening);
  if (!connection) return std::move(connection).error();
  if (auto listening = connection->query(kListen, {}, opening); !listening) {
    return std::move(listening).error();
  }
  while (!stop.stop_requested()) {
    auto queued = connection->query(kIsQueued, {}, {Deadline::in(kAnswerTime), stop, {}});
    if (!queued) return std::move(queued).error();
    std::vector<std::int64_t> held;
    for (bool is_more = queued->count() > 0; is_more;) {
      const auto done = do_next(held, Context{Deadline::never(), stop, "publish"});
      if (!done) return done.error();
      has_failed_ = false;
      is_more = *done;
    }
    const Context waiting{Deadline::in(kLook), stop, {}};
    const auto notified = connection->wait_for_notification(waiting);
    if (!notified) return notified.error();
  }
  return kDone;
}

// False: there is none beside those held by others, to which it may add one. An error only if none
// can be taken.
Result<bool> Jobs::do_next(std::vector<std::int64_t>& held, const Context& context) {
  const Turn turn = Turn::of_publish(*this, context);
  if (!turn.has_it()) return cancelled_error();
  auto control = db::Connection::open(parts_.database, context, db::Work::kLong);
  if (!control) return std::move(control).error();
  auto transaction = db::Transaction::begin(*control, context);
  if (!transaction) return std::move(transaction).error();
  auto claimed = control->query(kClaim, {Value::text(array_text(held))}, context);
  if (!claimed) return std::move(claimed).error();
  if (claimed->count() == 0) return false;
  db::Row row = claimed->row(0);
  const Job job{row.integer(), row.text()};
  if (Status sound = row.finish(); !sound) return sound.error();
  auto locked = control->query(kClaimJob, {Value::integer(job.id)}, context);
  if (!locked) return std::move(locked).error();
  if (locked->count() == 0) {
    // Done meanwhile, or held by a transaction that has asked for it again. There may be others.
    held.push_back(job.id);
    return true;
  }
  const Context of_job{context.deadline, context.stop, "publish-" + std::to_string(job.id)};
  const auto outcome = publish(*control, job, of_job);
  report(job, outcome, of_job);
  // It stays as it was, for the next worker.
  if (context.stop.stop_requested()) return cancelled_error();
  if (Status ended = end(*control, job, outcome); !ended) return ended.error();
  if (Status committed = transaction->commit(context); !committed) return committed.error();
  return true;
}

Result<wire::PublishReport> Jobs::publish_now(const wire::PublishNow& request,
                                              const Context& context) {
  const Turn of_tenant = Turn::of_tenant(*this, request.tenant_id, context);
  if (!of_tenant.has_it()) return cancelled_error();
  auto control = db::Connection::open(parts_.database, context, db::Work::kLong);
  if (!control) return std::move(control).error();
  auto transaction = db::Transaction::begin(*control, context);
  if (!transaction) return std::move(transaction).error();
  for (const char* sql : {kWaitForTenant, kClaimTenant}) {
    auto found = control->query(sql, {Value::text(request.tenant_id)}, context);
    if (!found) return std::move(found).error();
    if (found->count() == 0) return no_share_error();
  }
  const Turn turn = Turn::of_publish(*this, context);
  if (!turn.has_it()) return cancelled_error();
  auto inserted = control->query(
      kRequest, {Value::text(request.tenant_id), Value::text(request.requested_by)}, context);
  if (!inserted) return std::move(inserted).error();
  const Job job{inserted->row(0).integer(), request.tenant_id};
  auto outcome = publish(*control, job, context);
  report(job, outcome, context);
  if (Status ended = end(*control, job, outcome); !ended) return ended.error();
  const Context bounded{Deadline::in(kAnswerTime), {}, context.request_id};
  if (Status committed = transaction->commit(bounded); !committed) return committed.error();
  if (!outcome) return std::move(outcome).error();
  if (outcome->failure) return *std::move(outcome->failure);
  return wire::PublishReport{std::move(outcome->versions)};
}

// What failed leaves no dangling file, if that can be helped now; else the next one sees to it.
Result<Outcome> Jobs::publish(db::Connection& control, const Job& job, const Context& context) {
  auto outcome = attempt(control, job, context);
  if (outcome && !outcome->failure) {
    note_swept(job.tenant_id, true);
    return outcome;
  }
  const Context bounded{Deadline::in(kSweepTime), ending_.get_token(), context.request_id};
  const auto unswept = Publication(parts_, control, job, bounded).sweep();
  note_swept(job.tenant_id, unswept && unswept->empty());
  return outcome;
}

Result<Outcome> Jobs::attempt(db::Connection& control, const Job& job, const Context& context) {
  if (Status reached = parts_.steps.reach("claimed", context); !reached) return reached.error();
  // Not by the control connection: its transaction would keep the rows from Progress for all its
  // life.
  auto left =
      parts_.pool.query({kForgetSteps, {Value::text(job.tenant_id)}, "forget_steps"}, context);
  if (!left) return std::move(left).error();
  Publication publication(parts_, control, job, context);
  if (left->count() > 0 || !is_swept(job.tenant_id)) {
    const auto unswept = publication.sweep();
    if (!unswept) return unswept.error();
    if (Status noted = publication.note_failures(*unswept); !noted) return noted.error();
  }
  auto outcome = publication.run();
  if (!outcome) return outcome;
  if (Status reached = parts_.steps.reach("before_done", context); !reached) {
    return reached.error();
  }
  return outcome;
}

Status Jobs::end(db::Connection& control, const Job& job, const Result<Outcome>& outcome) {
  const Error* failure = nullptr;
  if (!outcome) failure = &outcome.error();
  if (outcome && outcome->failure) failure = &*outcome->failure;
  const Context bounded{Deadline::in(kAnswerTime), {}, {}};
  auto ended = control.query(kEnd,
                             {Value::integer(job.id), Value::text(failure ? "failed" : "done"),
                              failure ? Value::text(error_text(*failure)) : Value::null()},
                             bounded);
  if (!ended) return std::move(ended).error();
  return kDone;
}

void Jobs::report(const Job& job, const Result<Outcome>& outcome, const Context& context) {
  const bool has_failed = !outcome || outcome->failure;
  ++(has_failed ? counters_.publishes_failed : counters_.publishes_succeeded);
  if (!outcome) {
    parts_.log.write(LogLevel::kWarning, "publish failed", context.request_id,
                     {{"job_id", job.id}, {"code", facts_of(outcome.error().code).name}});
    return;
  }
  std::int64_t rows = 0, bytes = 0;
  for (const wire::PublishedVersion& version : outcome->versions) {
    rows += version.rows_added + version.rows_changed + version.rows_removed;
    bytes += version.bytes_written;
  }
  counters_.published_rows += static_cast<std::uint64_t>(rows);
  counters_.published_bytes += static_cast<std::uint64_t>(bytes);
  if (outcome->versions.empty() && !has_failed) return;
  parts_.log.write(has_failed ? LogLevel::kWarning : LogLevel::kInfo,
                   has_failed ? "published in part" : "published", context.request_id,
                   {{"job_id", job.id},
                    {"tenant_id", std::string_view(job.tenant_id)},
                    {"versions", static_cast<std::uint64_t>(outcome->versions.size())},
                    {"rows", rows},
                    {"bytes", bytes}});
}

bool Jobs::is_swept(const std::string& tenant_id) {
  const std::scoped_lock lock(mutex_);
  return swept_.contains(tenant_id);
}

void Jobs::note_swept(const std::string& tenant_id, bool is_swept) {
  const std::scoped_lock lock(mutex_);
  if (is_swept) {
    swept_.insert(tenant_id);
  } else {
    swept_.erase(tenant_id);
  }
}

void Jobs::report_trouble(const Error& error) {
  if (error.code == ErrorCode::kCancelled || has_failed_.exchange(true)) return;
  parts_.log.failure("publish jobs can't be taken; trying on", error);
}

}  // namespace lakehouse::worker::publish
