// SPDX-License-Identifier: PostgreSQL
// One thread a statement; the database bounds how many there are.
#include "worker/tools/started_queries.hpp"

#include <algorithm>

#include "worker/json/text.hpp"
#include "worker/json/value.hpp"
#include "worker/tools/trail.hpp"
#include "worker/tools/warehouse_result.hpp"

namespace lakehouse::worker::tools {
namespace {

constexpr std::size_t kMostStatements = 8;
constexpr std::chrono::minutes kLongest{10};
constexpr std::int64_t kMostBytes = 8LL << 20U;  // of a result that is kept
// A thread that waits for a connection longer gives up before it counts as lost.
constexpr std::chrono::seconds kConnectTime{60};
constexpr std::chrono::seconds kStoreTime{10};
constexpr std::chrono::milliseconds kLookPause{200};
// How often a worker asks which of the queries that it runs may go on.
constexpr std::chrono::milliseconds kWatchPause{250};
constexpr std::chrono::seconds kWatchTime{10};
constexpr int kPollAfterSeconds = 2;

Outcome failed(Failure failure) {
  Outcome outcome;
  outcome.failure = std::move(failure);
  return outcome;
}

std::string running_json(const std::string& id) {
  return json::object({{"query_id", json::quoted(id)},
                       {"status", "\"running\""},
                       {"poll_after_s", std::to_string(kPollAfterSeconds)}});
}

std::string state_json(const std::string& id, const std::string& state) {
  return json::object({{"query_id", json::quoted(id)}, {"status", json::quoted(state)}});
}

std::string error_json(const Failure& failure) {
  return json::object({{"code", json::quoted(failure.code)},
                       {"message", json::quoted(failure.message)},
                       {"details", json::quoted(failure.details)},
                       {"hint", json::quoted(failure.hint)}});
}

Outcome unknown() {
  return failed({"NOT_FOUND", "there is no such started query", "",
                 "Queries are forgotten an hour after their end."});
}

// `members`: of an object, without its braces; not empty.
std::string ended_json(const std::string& id, const char* status, std::string_view members) {
  std::string out = json::object({{"query_id", json::quoted(id)}, {"status", status}});
  out.back() = ',';
  return out.append(members).append("}");
}

// Waits without the database; false if it was stopped.
bool pause(const Context& context) {
  std::mutex mutex;
  std::condition_variable_any never;
  std::unique_lock lock(mutex);
  never.wait_for(lock, context.stop, kLookPause, [] { return false; });
  return !context.stop.stop_requested();
}

}  // namespace

StartedQueries::StartedQueries(const db::Target& target, db::Pool& rows, gateway::AuditStore& audit,
                               TypeName type_name, log::Log& log)
    : statements_(target, {kMostStatements}),
      watching_(target, {1}),
      rows_(rows),
      audit_(audit),
      type_name_(std::move(type_name)),
      log_(log),
      watch_([this](const std::stop_token& stop) { watch(stop); }) {}

StartedQueries::~StartedQueries() {
  const std::scoped_lock lock(mutex_);
  for (Running& running : running_) running.thread.request_stop();
  // The list's end joins them; none takes the lock any more but to say that it has ended.
}

Result<Outcome> StartedQueries::start(const oauth::Identity& caller, const std::string& sql,
                                      const Context& context) {
  auto lease = rows_.acquire(context);
  if (!lease) return lease.error();
  auto added = (*lease)->run(
      {{{"SELECT lakehouse.add_started_query($1::uuid, $2::uuid, $3, $4::bigint)",
         {db::Value::text(caller.tenant_id), db::Value::text(caller.user_id),
          db::Value::text(caller.client_id), db::Value::text(std::to_string(caller.token_id))},
         ""}},
       {}},
      context);
  if (!added) return added.error();
  if (const auto* report = std::get_if<db::Report>(&*added)) {
    return failed(failure_of(*report, Author::kCatalog));
  }
  const std::string id(std::get<db::Rows>(*added).cell(0, 0).value_or(""));
  join_ended();
  const std::scoped_lock lock(mutex_);
  Running& running = running_.emplace_back();
  running.id = id;
  running.thread = std::jthread([this, caller, id, sql, &running](const std::stop_token& stop) {
    execute(caller, id, sql, stop);
    const std::scoped_lock ended(mutex_);
    running.has_ended = true;
  });
  begun_.notify_all();
  Outcome outcome;
  outcome.content = running_json(id);
  return outcome;
}

void StartedQueries::join_ended() {
  std::list<Running> ended;
  const std::scoped_lock lock(mutex_);
  for (auto at = running_.begin(); at != running_.end();) {
    const auto next = std::next(at);
    if (at->has_ended) ended.splice(ended.end(), running_, at);
    at = next;
  }
}

void StartedQueries::execute(const oauth::Identity& caller, const std::string& id,
                             const std::string& sql, const std::stop_token& stop) {
  Trail trail(audit_, caller, "started query " + id, sql);
  if (Status begun = trail.begin(); !begun) return store(id, begun.error());
  auto ran = run(caller, id, sql, stop);
  const std::string sqlstate = ran ? ran->sqlstate : "";
  Result<Outcome> outcome = ran ? Result<Outcome>(std::move(ran->outcome)) : ran.error();
  if (Status ended = trail.end(facts_of(outcome, sqlstate)); !ended) outcome = ended.error();
  store(id, outcome);
}

Result<StartedQueries::Ran> StartedQueries::run(const oauth::Identity& caller,
                                                const std::string& id, const std::string& sql,
                                                const std::stop_token& stop) {
  auto lease = statements_.acquire({Deadline::in(kConnectTime), stop, id});
  if (!lease) return lease.error();
  if (Status noted = note_session(**lease, id, {Deadline::in(kStoreTime), stop, id}); !noted) {
    return noted.error();
  }
  Act act;
  act.author = Author::kModel;
  act.statement.sql = sql;
  act.timeout = kLongest;
  act.most_bytes = kMostBytes;
  act.is_slow = true;
  WarehouseResult result(type_name_);
  act.on_notice = [&result](const db::Report& notice) { result.hear(notice); };
  auto answer = Actor::run(**lease, caller, act, {Deadline::never(), stop, id});
  if (!answer) return answer.error();
  return Ran{result.outcome_of(*answer), sqlstate_of(*answer)};
}

// Whoever finds the row knows by the session whether it can still come to an end. A query that was
// cancelled by now does not begin.
Status StartedQueries::note_session(db::Connection& connection, const std::string& id,
                                    const Context& context) {
  auto noted = connection.query(
      "UPDATE lakehouse.started_queries q SET backend_pid = a.pid, backend_start = a.backend_start "
      "FROM pg_stat_activity a WHERE a.pid = pg_backend_pid() AND q.id = $1::uuid "
      "AND q.state = 'running' RETURNING 1",
      {db::Value::text(id)}, context);
  if (!noted) return noted.error();
  if (noted->count() == 0) return cancelled_error();
  return kDone;
}

void StartedQueries::store(const std::string& id, const Result<Outcome>& outcome) {
  const Failure lost{"UNAVAILABLE", outcome ? "" : outcome.error().message, "", "Start it again."};
  const Failure* failure = !outcome ? &lost : outcome->failure ? &*outcome->failure : nullptr;
  auto stored = rows_.query(
      "UPDATE lakehouse.started_queries SET state = CASE WHEN $2::jsonb IS NULL THEN 'done' ELSE "
      "'failed' END, result = $3, error = $2::jsonb, ended_at = now() "
      "WHERE id = $1::uuid AND state = 'running'",
      {db::Value::text(id), failure ? db::Value::text(error_json(*failure)) : db::Value::null(),
       failure ? db::Value::null() : db::Value::text(outcome->content)},
      {Deadline::in(kStoreTime), {}, id});
  if (!stored) log_.failure("result of a started query is lost", stored.error(), id);
}

Result<Outcome> StartedQueries::poll(const oauth::Identity& caller, const std::string& id,
                                     std::chrono::milliseconds wait, const Context& context) {
  const Deadline until = Deadline::in(wait).sooner(context.deadline);
  for (bool is_swept = false;; is_swept = true) {
    if (!is_swept) {
      auto swept = rows_.query("SELECT lakehouse.sweep_started_queries()::text", {}, context);
      if (!swept) return swept.error();
    }
    auto found = rows_.query(
        "SELECT state, coalesce(result, error::text, '') FROM lakehouse.started_queries "
        "WHERE id::text = lower($1) AND tenant_id = $2::uuid AND user_id = $3::uuid",
        {db::Value::text(id), db::Value::text(caller.tenant_id), db::Value::text(caller.user_id)},
        context);
    if (!found) return found.error();
    if (found->count() == 0) return unknown();
    db::Row row = found->row(0);
    const std::string state = row.text(), text = row.text();
    Outcome outcome;
    if (state == "done") {
      outcome.content = ended_json(id, "\"done\"", text.substr(1, text.size() - 2));
      return outcome;
    }
    if (state == "failed") {
      outcome.content = ended_json(id, "\"failed\"", "\"error\":" + text);
      return outcome;
    }
    if (state == "cancelled") {
      outcome.content = state_json(id, state);
      return outcome;
    }
    if (until.has_passed()) {
      outcome.content = running_json(id);
      return outcome;
    }
    if (!pause(context)) return cancelled_error();
  }
}

Result<Outcome> StartedQueries::cancel(const oauth::Identity& caller, const std::string& id,
                                       const Context& context) {
  auto cancelled = rows_.query(
      "SELECT coalesce(lakehouse.cancel_started_query($1, $2::uuid, $3::uuid), '')",
      {db::Value::text(id), db::Value::text(caller.tenant_id), db::Value::text(caller.user_id)},
      context);
  if (!cancelled) return cancelled.error();
  const std::string state = cancelled->row(0).text();
  if (state.empty()) return unknown();
  Outcome outcome;
  outcome.content = state_json(id, state);
  return outcome;
}

// What another worker, or a revocation, has ended is known by the rows alone.
void StartedQueries::watch(const std::stop_token& stop) {
  const auto is_any = [this] {
    return std::ranges::any_of(running_, [](const Running& one) { return !one.has_ended; });
  };
  for (;;) {
    {
      std::unique_lock lock(mutex_);
      begun_.wait(lock, stop, is_any);
      begun_.wait_for(lock, stop, kWatchPause, [] { return false; });
    }
    if (stop.stop_requested()) return;
    stop_ended({Deadline::in(kWatchTime), stop, {}});
  }
}

void StartedQueries::stop_ended(const Context& context) {
  auto ended = watching_.query(
      "SELECT lakehouse.ended_queries(ARRAY(SELECT jsonb_array_elements_text($1::jsonb))::uuid[])"
      "::text",
      {db::Value::text(json::strings(running_ids()))}, context);
  if (!ended) return;  // asked again
  const std::scoped_lock lock(mutex_);
  for (int i = 0; i < ended->count(); ++i) {
    const std::string id = ended->row(i).text();
    for (Running& running : running_) {
      if (running.id == id) running.thread.request_stop();
    }
  }
}

std::vector<std::string> StartedQueries::running_ids() const {
  std::vector<std::string> ids;
  const std::scoped_lock lock(mutex_);
  for (const Running& running : running_) {
    if (!running.has_ended) ids.push_back(running.id);
  }
  return ids;
}

}  // namespace lakehouse::worker::tools
