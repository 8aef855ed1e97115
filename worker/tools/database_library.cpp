// SPDX-License-Identifier: PostgreSQL
// Lists are the worker's to read; what is read of a tenant is read as the caller.
#include "worker/tools/database_library.hpp"

#include "worker/json/text.hpp"
#include "worker/json/value.hpp"
#include "worker/tools/listening.hpp"
#include "worker/tools/trail.hpp"

namespace lakehouse::worker::tools {
namespace {

constexpr const char* kScopes = "ARRAY(SELECT jsonb_array_elements_text($1::jsonb))";

Outcome outcome_of(const db::Answer& answer) {
  Outcome outcome;
  if (const auto* report = std::get_if<db::Report>(&answer)) {
    outcome.failure = failure_of(*report, Author::kCatalog);
    return outcome;
  }
  const auto& rows = std::get<db::Rows>(answer);
  if (rows.count() == 1) outcome.content = rows.cell(0, 0).value_or("{}");
  return outcome;
}

// An array as PostgreSQL reads it. Bound whole, since for an agent the guard lets nothing pass but
// a function of bound values.
db::Value scopes_of(const oauth::Identity& caller) {
  std::string text = "{";
  for (const std::string& scope : caller.scopes) {
    if (text.size() > 1) text.push_back(',');
    text.push_back('"');
    for (const char letter : scope) {
      if (letter == '"' || letter == '\\') text.push_back('\\');
      text.push_back(letter);
    }
    text.push_back('"');
  }
  return db::Value::text(text.append("}"));
}

CallFacts facts_of(const Result<Outcome>& outcome, const db::Report* report) {
  CallFacts facts;
  if (!outcome) {
    facts.code = std::string(facts_of(outcome.error().code).name);
  } else if (outcome->failure) {
    facts.code = outcome->failure->code;
    facts.sqlstate = report != nullptr ? report->sqlstate : "";
  } else {
    facts.bytes = static_cast<std::int64_t>(outcome->content.size());
  }
  return facts;
}

}  // namespace

Result<std::string> DatabaseLibrary::list(const char* sql, const oauth::Identity& caller,
                                          const Context& context) {
  auto rows = pool_.query((std::string("SELECT ") + sql + "(" + kScopes + ")::text").c_str(),
                          {db::Value::text(json::strings(caller.scopes))}, context);
  if (!rows) return rows.error();
  return rows->row(0).text();
}

Result<std::string> DatabaseLibrary::resources(const oauth::Identity& caller,
                                               const Context& context) {
  return list("lakehouse.list_resources", caller, context);
}

Result<std::string> DatabaseLibrary::templates(const oauth::Identity& caller,
                                               const Context& context) {
  return list("lakehouse.list_resource_templates", caller, context);
}

Result<std::string> DatabaseLibrary::prompts(const oauth::Identity& caller,
                                             const Context& context) {
  return list("lakehouse.list_prompts", caller, context);
}

Result<Outcome> DatabaseLibrary::read(const oauth::Identity& caller, std::string_view uri,
                                      const Invocation& invocation, const Context& context) {
  return run(caller, "resource " + std::string(uri).substr(0, 200),
             {"SELECT lakehouse.read_resource($1, $2)",
              {db::Value::text(json::well_formed(uri)), scopes_of(caller)},
              "read_resource"},
             invocation.listener, context);
}

Result<Outcome> DatabaseLibrary::prompt(const oauth::Identity& caller, std::string_view name,
                                        const Invocation& invocation, const Context& context) {
  return run(caller, "prompt " + std::string(name).substr(0, 100),
             {"SELECT lakehouse.get_prompt($1, $2, $3, $4)",
              {db::Value::text(json::well_formed(name)), db::Value::text(invocation.arguments),
               invocation.input.empty() ? db::Value::null() : db::Value::text(invocation.input),
               scopes_of(caller)},
              "get_prompt"},
             invocation.listener, context);
}

Result<Outcome> DatabaseLibrary::complete(const oauth::Identity& caller, std::string_view request,
                                          const Context& context) {
  const std::string reference = json::raw_object(request, {"ref"}).value_or("{}");
  const std::string argument = json::raw_object(request, {"argument"}).value_or("{}");
  return run(caller, "completion",
             {"SELECT lakehouse.complete($1, $2, $3)",
              {db::Value::text(reference), db::Value::text(argument), scopes_of(caller)},
              "complete"},
             nullptr, context);
}

Result<Outcome> DatabaseLibrary::run(const oauth::Identity& caller, std::string_view what,
                                     db::Statement statement, Listener* listener,
                                     const Context& context) {
  std::string bound;
  for (const db::Value& value : statement.values) {
    if (value.data() != nullptr) bound += value.data();
    bound.push_back('\n');
  }
  Trail trail(audit_, caller, what, bound);
  if (Status begun = trail.begin(); !begun) return begun.error();
  Act act;
  act.statement = std::move(statement);
  act.on_notice = listening(listener);
  auto answer = actor_.run(caller, act, context);
  Result<Outcome> outcome = answer ? Result<Outcome>(outcome_of(*answer)) : answer.error();
  const db::Report* report = answer ? std::get_if<db::Report>(&*answer) : nullptr;
  if (Status ended = trail.end(facts_of(outcome, report)); !ended) return ended.error();
  return outcome;
}

}  // namespace lakehouse::worker::tools
