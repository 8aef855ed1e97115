// SPDX-License-Identifier: PostgreSQL
// What makes the session the caller's is set for the transaction only, the role last. The switch of
// the guard goes before it: a user has no right to it.
#include "worker/tools/actor.hpp"

namespace lakehouse::worker::tools {
namespace {

// The server ends a statement by itself; this is how much later the worker gives it up.
constexpr std::chrono::milliseconds kPatience{5'000};

constexpr const char* kBecome =
    "SELECT set_config('search_path', '\"' || $1 || '\", pg_temp', true), "
    "set_config('application_name', $2, true), set_config('statement_timeout', $3, true), "
    "set_config('role', $4, true)";
constexpr const char* kBecomeModel =
    "SELECT set_config('search_path', '\"' || $1 || '\", pg_temp', true), "
    "set_config('application_name', $2, true), set_config('statement_timeout', $3, true), "
    "set_config('lakehouse.agent_statement_timeout', "
    "coalesce($6, current_setting('lakehouse.agent_statement_timeout')), true), "
    "set_config('lakehouse.max_bytes', least(pg_size_bytes(current_setting('lakehouse.max_bytes')) "
    "/ 1024, $5::bigint / 1024) || 'kB', true), "
    "set_config('lakehouse.agent_session', 'on', true), set_config('role', $4, true)";

db::Statement become(const oauth::Identity& caller, const Act& act) {
  const bool is_model = act.author == Author::kModel;
  db::Statement statement;
  statement.sql = is_model ? kBecomeModel : kBecome;
  statement.name = is_model ? "become_model" : "become";
  statement.values = {db::Value::text(caller.tenant), db::Value::text("mcp:" + caller.client_id),
                      db::Value::text(std::to_string(act.timeout.count())),
                      db::Value::text(caller.role)};
  if (!is_model) return statement;
  statement.values.push_back(db::Value::integer(act.most_bytes));
  statement.values.push_back(act.is_slow ? db::Value::text(std::to_string(act.timeout.count()))
                                         : db::Value::null());
  return statement;
}

// A policy or a role has changed since a plan was made. Nothing was done, and the plan is gone now.
bool is_out_of_date(const db::Answer& answer) {
  const auto* report = std::get_if<db::Report>(&answer);
  return report != nullptr && report->sqlstate == "55000" &&
         report->message.starts_with("plan is out of date");
}

}  // namespace

Result<db::Answer> Actor::run(const oauth::Identity& caller, const Act& act,
                              const Context& context) {
  auto lease = pool_.acquire(context);
  if (!lease) return lease.error();
  return run(**lease, caller, act, context);
}

Result<db::Answer> Actor::run(db::Connection& connection, const oauth::Identity& caller,
                              const Act& act, const Context& context) {
  const Context bounded{context.deadline.sooner(Deadline::in(act.timeout + kPatience)),
                        context.stop, context.request_id};
  const db::Batch batch{{become(caller, act), act.statement}, act.on_notice};
  auto answer = connection.run(batch, bounded);
  if (answer && is_out_of_date(*answer)) answer = connection.run(batch, bounded);
  if (!answer) return answer;
  auto* report = std::get_if<db::Report>(&*answer);
  // Not the statement's fault: the user is gone, or no longer the worker's to act for.
  if (report != nullptr && report->statement == 0) {
    return db::Answer(db::Report{"42501", "the user can't act any more", "", "Sign in again.", 0});
  }
  return answer;
}

}  // namespace lakehouse::worker::tools
