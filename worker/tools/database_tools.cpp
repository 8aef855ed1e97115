// SPDX-License-Identifier: PostgreSQL
// A call: intent into the audit log, one statement as the caller, outcome into the audit log.
#include "worker/tools/database_tools.hpp"

#include <algorithm>

#include "worker/json/text.hpp"
#include "worker/json/value.hpp"
#include "worker/tools/listening.hpp"
#include "worker/tools/trail.hpp"
#include "worker/tools/warehouse_result.hpp"

namespace lakehouse::worker::tools {
namespace {

constexpr std::size_t kMostConnections = 16;
constexpr std::chrono::seconds kLookTime{10};
constexpr std::chrono::seconds kLongestPoll{30};

constexpr const char* kFind =
    "SELECT f.scope, f.kind, coalesce(f.function, ''), f.is_read_only::text, f.bound::text, "
    "(t.name IS NULL OR t.output_schema IS NOT NULL)::text, "
    "CASE WHEN t.input_schema::text LIKE '%x-mcp-header%' THEN t.input_schema::text ELSE '' END, "
    "(to_regprocedure(f.function || '(jsonb, jsonb)') IS NOT NULL)::text "
    "FROM lakehouse.find_tool($1::uuid, $2) f LEFT JOIN lakehouse.tools t ON t.name = f.name";

// The name goes into a statement's text. The table has a check for it; this is the second.
bool is_own_function(std::string_view name) {
  constexpr std::string_view kSchema = "lakehouse.";
  return name.starts_with(kSchema) && name.size() > kSchema.size() &&
         name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_", kSchema.size()) ==
             std::string_view::npos;
}

Error broken_row(const Tool& tool) {
  return {ErrorCode::kInternal, "tool has no usable function", "Tool \"" + tool.name + "\".", ""};
}

// Two JSON objects as one; where both have a member PostgreSQL takes the last, and that is ours.
std::string joined(std::string_view arguments, std::string_view bound) {
  std::string all(arguments.substr(0, arguments.rfind('}')));
  const std::size_t begin = bound.find('{') + 1, end = bound.rfind('}');
  const std::string_view members = bound.substr(begin, end - begin);
  const bool is_empty = all.find_first_not_of("{ \t\r\n") == std::string::npos;
  if (!members.empty() && !is_empty) all.push_back(',');
  return all.append(members).append("}");
}

// What the function can't know: the token's part of who calls.
std::string with_token(const std::string& content, const oauth::Identity& caller) {
  const std::string token =
      json::object({{"scopes", json::strings(caller.scopes)},
                    {"client", json::object({{"id", json::quoted(caller.client_id)},
                                             {"name", json::quoted(caller.client_name)}})}});
  return joined(content, token);
}

// The one cell of an answer, or the failure that it is.
struct Cell {
  std::string text, sqlstate;
  std::optional<Failure> failure;
};

Cell cell_of(const db::Answer& answer) {
  Cell cell;
  cell.sqlstate = sqlstate_of(answer);
  if (const auto* report = std::get_if<db::Report>(&answer)) {
    cell.failure = failure_of(*report, Author::kCatalog);
    return cell;
  }
  const auto& rows = std::get<db::Rows>(answer);
  if (rows.count() == 1 && rows.column_count() == 1) cell.text = rows.cell(0, 0).value_or("");
  return cell;
}

}  // namespace

DatabaseTools::DatabaseTools(const db::Target& target, gateway::AuditStore& audit, log::Log& log)
    : pool_(target, {kMostConnections}),
      actor_(pool_),
      audit_(audit),
      started_(
          target, pool_, audit, [this](std::uint32_t type) { return type_name(type); }, log) {}

Result<std::string> DatabaseTools::list(const oauth::Identity& caller, const Context& context) {
  auto rows = look_up(
      {"SELECT lakehouse.list_tools($1::uuid, ARRAY(SELECT jsonb_array_elements_text($2::jsonb)))"
       "::text",
       {db::Value::text(caller.tenant_id), db::Value::text(json::strings(caller.scopes))},
       "list_tools"},
      context);
  if (!rows) return rows.error();
  return rows->row(0).text();
}

Result<std::optional<Tool>> DatabaseTools::find(const oauth::Identity& caller,
                                                std::string_view name, const Context& context) {
  auto rows =
      look_up({kFind,
               {db::Value::text(caller.tenant_id), db::Value::text(json::well_formed(name))},
               "find_tool"},
              context);
  if (!rows) return rows.error();
  if (rows->count() == 0) return std::optional<Tool>();
  db::Row row = rows->row(0);
  Tool tool;
  tool.name = name;
  tool.scope = row.text_or_null().value_or("");
  tool.kind = row.text();
  tool.function = row.text();
  tool.is_read_only = row.text() == "true";
  tool.bound = row.text();
  tool.is_structured = row.text() == "true";
  tool.marked_schema = row.text();
  tool.takes_input = row.text() == "true";
  if (Status read = row.finish(); !read) return read.error();
  return std::optional<Tool>(std::move(tool));
}

// As the worker itself, by a statement that the connection keeps.
Result<db::Rows> DatabaseTools::look_up(db::Statement statement, const Context& context) {
  auto lease = pool_.acquire(context);
  if (!lease) return lease.error();
  auto answer = (*lease)->run({{std::move(statement)}, {}}, context);
  if (!answer) return answer.error();
  if (const auto* report = std::get_if<db::Report>(&*answer)) {
    return Error{ErrorCode::kInternal, report->message, "SQLSTATE " + report->sqlstate + ".", ""};
  }
  return std::get<db::Rows>(*std::move(answer));
}

Result<Outcome> DatabaseTools::call(const oauth::Identity& caller, const Tool& tool,
                                    const Invocation& invocation, const Context& context) {
  const bool is_shared = tool.is_read_only && invocation.input.empty() &&
                         (tool.kind == "function" || tool.kind == "warehouse_query");
  if (!is_shared) {
    auto outcome = perform(caller, tool, invocation, context);
    if (!tool.is_read_only) ++writes_;
    return outcome;
  }
  const std::string zero(1, '\0');
  std::string key = caller.role + zero + caller.tenant_id + zero + caller.client_id + zero +
                    json::strings(caller.scopes) + zero + std::to_string(writes_) + zero +
                    tool.name + zero + invocation.arguments;
  return shared_runs_.run(
      key, [&](const Context& bounds) { return perform(caller, tool, invocation, bounds); },
      context);
}

// Nothing runs before its intent is durable, and nothing is answered before its outcome is.
Result<Outcome> DatabaseTools::perform(const oauth::Identity& caller, const Tool& tool,
                                       const Invocation& invocation, const Context& context) {
  Trail trail(audit_, caller, "tool " + tool.name, invocation.arguments);
  if (Status begun = trail.begin(); !begun) return begun.error();
  auto done = dispatch(caller, tool, invocation, context);
  const std::string sqlstate = done ? done->sqlstate : "";
  Result<Outcome> outcome = done ? Result<Outcome>(std::move(done->outcome)) : done.error();
  if (Status ended = trail.end(facts_of(outcome, sqlstate)); !ended) return ended.error();
  return outcome;
}

Result<DatabaseTools::Done> DatabaseTools::dispatch(const oauth::Identity& caller, const Tool& tool,
                                                    const Invocation& invocation,
                                                    const Context& context) {
  if (tool.kind == "function") return call_function(caller, tool, invocation, context);
  if (tool.kind == "warehouse_query") return query_warehouse(caller, tool, invocation, context);
  return use_started(caller, tool, invocation, context);
}

Result<DatabaseTools::Done> DatabaseTools::call_function(const oauth::Identity& caller,
                                                         const Tool& tool,
                                                         const Invocation& invocation,
                                                         const Context& context) {
  if (!is_own_function(tool.function)) return broken_row(tool);
  Act act;
  act.statement.sql = "SELECT " + tool.function + (tool.takes_input ? "($1, $2)" : "($1)");
  act.statement.name = tool.function + (tool.takes_input ? " 2" : " 1");
  act.statement.values = {db::Value::text(joined(invocation.arguments, tool.bound))};
  if (tool.takes_input) {
    act.statement.values.push_back(invocation.input.empty() ? db::Value::null()
                                                            : db::Value::text(invocation.input));
  }
  act.on_notice = listening(invocation.listener);
  auto answer = actor_.run(caller, act, context);
  if (!answer) return answer.error();
  Cell cell = cell_of(*answer);
  Done done{{std::move(cell.text), std::move(cell.failure)}, std::move(cell.sqlstate)};
  if (done.outcome.failure) return done;
  if (done.outcome.content.empty()) done.outcome.content = "{}";
  if (tool.function == "lakehouse.whoami")
    done.outcome.content = with_token(done.outcome.content, caller);
  return done;
}

// The text is made by one call and run by the next: as the same user, and under the guard.
Result<DatabaseTools::Done> DatabaseTools::query_warehouse(const oauth::Identity& caller,
                                                           const Tool& tool,
                                                           const Invocation& invocation,
                                                           const Context& context) {
  Act writing;
  writing.statement = {"SELECT lakehouse.warehouse_statement($1)",
                       {db::Value::text(joined(invocation.arguments, tool.bound))},
                       "warehouse_statement"};
  auto written = actor_.run(caller, writing, context);
  if (!written) return written.error();
  Cell text = cell_of(*written);
  if (text.failure) return Done{{"", std::move(text.failure)}, std::move(text.sqlstate)};
  WarehouseResult result([this](std::uint32_t type) { return type_name(type); });
  Act reading;
  reading.author = Author::kModel;
  reading.statement.sql = text.text;
  reading.on_notice = [&result](const db::Report& notice) { result.hear(notice); };
  auto answer = actor_.run(caller, reading, context);
  if (!answer) return answer.error();
  return Done{result.outcome_of(*answer), sqlstate_of(*answer)};
}

Result<DatabaseTools::Done> DatabaseTools::use_started(const oauth::Identity& caller,
                                                       const Tool& tool,
                                                       const Invocation& invocation,
                                                       const Context& context) {
  Act checking;
  checking.statement = {"SELECT lakehouse.check_arguments($1, $2)",
                        {db::Value::text(tool.name), db::Value::text(invocation.arguments)},
                        "check_arguments"};
  auto checked = actor_.run(caller, checking, context);
  if (!checked) return checked.error();
  Cell cell = cell_of(*checked);
  if (cell.failure) return Done{{"", std::move(cell.failure)}, std::move(cell.sqlstate)};
  auto arguments = json::parse(cell.text);
  if (!arguments) return arguments.error();
  const auto text = [&](std::string_view name) {
    return std::string(arguments->string(name).value_or(""));
  };
  Result<Outcome> outcome = broken_row(tool);
  if (tool.kind == "warehouse_start") {
    outcome = started_.start(caller, text("sql"), context);
  } else if (tool.kind == "warehouse_cancel") {
    outcome = started_.cancel(caller, text("query_id"), context);
  } else if (tool.kind == "warehouse_poll") {
    const json::Value* wait = arguments->find("wait_s");
    const int seconds = wait == nullptr ? 0 : std::atoi(wait->text.c_str());
    outcome = started_.poll(
        caller, text("query_id"),
        std::clamp<std::chrono::milliseconds>(std::chrono::seconds(seconds), {}, kLongestPoll),
        context);
  }
  if (!outcome) return outcome.error();
  return Done{*std::move(outcome), ""};
}

std::string DatabaseTools::type_name(std::uint32_t type) {
  {
    const std::scoped_lock lock(types_mutex_);
    const auto found = types_.find(type);
    if (found != types_.end()) return found->second;
  }
  auto rows = pool_.query("SELECT format_type($1::oid, NULL)", {db::Value::integer(type)},
                          {Deadline::in(kLookTime), {}, {}});
  if (!rows || rows->count() == 0) return "unknown";
  std::string name = rows->row(0).text();
  const std::scoped_lock lock(types_mutex_);
  return types_.try_emplace(type, std::move(name)).first->second;
}

}  // namespace lakehouse::worker::tools
