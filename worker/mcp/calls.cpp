// SPDX-License-Identifier: PostgreSQL
// From a request to the run of a function, in rounds where it needs its client's input, and back.
#include "worker/mcp/calls.hpp"

#include "worker/json/text.hpp"
#include "worker/mcp/headers.hpp"
#include "worker/mcp/sealed_state.hpp"

namespace lakehouse::worker::mcp {
namespace {

constexpr int kMostRounds = 8;
constexpr std::string_view kInputRequired = "input_required";
// Records change at any time.
constexpr std::string_view kReadCaching = R"("ttlMs":0,"cacheScope":"private")";

std::string failure_json(const tools::Failure& failure) {
  const auto text = [](const std::string& value) {
    return value.empty() ? std::string() : json::quoted(value);
  };
  return json::object({{"code", json::quoted(failure.code)},
                       {"message", json::quoted(failure.message)},
                       {"details", text(failure.details)},
                       {"hint", text(failure.hint)}});
}

std::string text_block(std::string_view text) {
  return "[" + json::object({{"type", "\"text\""}, {"text", json::quoted(text)}}) + "]";
}

std::string failed_call(const tools::Failure& failure) {
  return json::object({{"content", text_block(failure_json(failure))}, {"isError", "true"}});
}

Answer tool_answer(const tools::Tool& tool, const tools::Outcome& outcome) {
  if (outcome.failure) return failed_call(*outcome.failure);
  if (!tool.is_structured) return outcome.content;
  return json::object({{"content", text_block(outcome.content)},
                       {"structuredContent", outcome.content},
                       {"isError", "false"}});
}

// Failures of what is no tool are errors of the protocol.
RpcError failed_request(const Exchange& exchange, const tools::Failure& failure,
                        std::string_view key, std::string_view name) {
  RpcError error = invalid_params(failure.message);
  error.data = failure_json(failure);
  if (failure.code == "NOT_FOUND") {
    error.data = json::object({{key, json::quoted(name)}});
    constexpr auto kResourceNotFound = static_cast<RpcCode>(-32002);  // until 2025-11-25
    if (!exchange.is_modern() && key == "uri") error.code = kResourceNotFound;
  } else if (failure.code == "UNAVAILABLE" || failure.code == "TIMEOUT") {
    error.code = RpcCode::kInternalError;
  }
  return error;
}

// Null unless a function wants input of its client.
std::optional<json::Value> wanted_input(const tools::Outcome& outcome) {
  if (outcome.failure || outcome.content.find(kInputRequired) == std::string::npos) {
    return std::nullopt;
  }
  auto parsed = json::parse(outcome.content);
  if (!parsed || parsed->string("resultType") != kInputRequired) return std::nullopt;
  return *std::move(parsed);
}

tools::Outcome unanswered(const std::string& message) {
  tools::Outcome outcome;
  outcome.failure = tools::Failure{"UNAVAILABLE", message, "", ""};
  return outcome;
}

std::string input_json(std::string_view responses, std::string_view state) {
  return json::object({{"inputResponses", responses}, {"requestState", state}});
}

}  // namespace

RpcError internal_error(const Error& error) {
  if (error.code == ErrorCode::kCancelled) {
    return {RpcCode::kInternalError, "the request was cancelled", "", 200};
  }
  const bool is_busy = error.code == ErrorCode::kUnavailable || error.code == ErrorCode::kTimeout;
  return {RpcCode::kInternalError, is_busy ? "the database does not answer" : "internal error", "",
          is_busy ? 503 : 500};
}

Answer Calls::call_tool(const SharedExchange& exchange, const Context& context) {
  const json::Value& params = exchange->message.params;
  const auto name = params.string("name");
  if (!name) return invalid_params("params.name must be a string");
  auto found = tools_.find(exchange->caller, *name, context);
  if (!found) return internal_error(found.error());
  if (!*found) return invalid_params("unknown tool: " + std::string(*name).substr(0, 128));
  const tools::Tool& tool = **found;
  if (!tool.scope.empty() && !exchange->caller.has_scope(tool.scope)) {
    return gate_.insufficient_scope(exchange->http, {tool.scope});
  }
  const json::Value* arguments = params.find("arguments");
  if (arguments != nullptr && !arguments->is(json::Value::Kind::kObject)) {
    return invalid_params("params.arguments must be an object");
  }
  if (exchange->is_modern() && !tool.marked_schema.empty()) {
    const auto schema = json::parse(tool.marked_schema);
    if (!schema) return internal_error(schema.error());
    if (auto wrong = check_parameters(exchange->http, *schema, params.object("arguments"))) {
      return *std::move(wrong);
    }
  }
  Job job;
  job.name = *name;
  job.may_ask = !tool.is_read_only || !tool.is_structured;
  if (auto raw = json::raw_object(exchange->http.body, {"params", "arguments"})) {
    job.arguments = *std::move(raw);
  }
  job.run = [this, exchange, tool](const tools::Invocation& invocation, const Context& bounds) {
    return tools_.call(exchange->caller, tool, invocation, bounds);
  };
  job.finish = [tool](const Exchange&, const tools::Outcome& outcome) {
    return tool_answer(tool, outcome);
  };
  return start(exchange, std::move(job), context);
}

Answer Calls::get_prompt(const SharedExchange& exchange, const Context& context) {
  const auto name = exchange->message.params.string("name");
  if (!name) return invalid_params("params.name must be a string");
  Job job;
  job.name = *name;
  if (auto raw = json::raw_object(exchange->http.body, {"params", "arguments"})) {
    job.arguments = *std::move(raw);
  }
  job.run = [this, exchange, prompt = job.name](const tools::Invocation& invocation,
                                                const Context& bounds) {
    return library_.prompt(exchange->caller, prompt, invocation, bounds);
  };
  job.finish = [prompt = job.name](const Exchange& request,
                                   const tools::Outcome& outcome) -> Answer {
    if (outcome.failure) return failed_request(request, *outcome.failure, "name", prompt);
    return outcome.content;
  };
  return start(exchange, std::move(job), context);
}

Answer Calls::read_resource(const SharedExchange& exchange, const Context& context) {
  const auto uri = exchange->message.params.string("uri");
  if (!uri) return invalid_params("params.uri must be a string");
  Job job;
  job.name = *uri;
  job.run = [this, exchange, resource = job.name](const tools::Invocation& invocation,
                                                  const Context& bounds) {
    return library_.read(exchange->caller, resource, invocation, bounds);
  };
  job.finish = [resource = job.name](const Exchange& request,
                                     const tools::Outcome& outcome) -> Answer {
    if (outcome.failure) return failed_request(request, *outcome.failure, "uri", resource);
    return request.is_modern() ? with_members(outcome.content, kReadCaching) : outcome.content;
  };
  return start(exchange, std::move(job), context);
}

// As one JSON object, unless the client may hear something before the result.
Answer Calls::start(const SharedExchange& exchange, Job job, const Context& context) {
  const bool may_ask =
      job.may_ask && exchange->session && !exchange->capabilities().members.empty();
  const bool has_more =
      !exchange->progress_token().empty() || !exchange->log_level().empty() || may_ask;
  if (!has_more || !exchange->accepts_events()) {
    return perform(*exchange, job, nullptr, context);
  }
  http::Response response;
  response.content_type = "text/event-stream";
  response.headers = {{"Cache-Control", "no-store"}, {"X-Accel-Buffering", "no"}};
  response.stream = std::make_shared<http::Stream>();
  response.producer = [this, exchange, job = std::move(job)](http::Stream& stream,
                                                             const Context& bounds) {
    const std::string& id = exchange->message.id;
    const Answer answer = perform(*exchange, job, &stream, bounds);
    if (const auto* result = std::get_if<std::string>(&answer)) {
      stream.write(event(result_text(id, complete(*exchange, *result))));
    } else if (const auto* error = std::get_if<RpcError>(&answer)) {
      stream.write(event(error_text(id, *error)));
    }
    stream.end();
  };
  return response;
}

Answer Calls::perform(const Exchange& exchange, const Job& job, http::Stream* stream,
                      const Context& context) {
  // A legacy client that loses its connection has not cancelled anything.
  Running::Entry entry(running_, exchange.session ? exchange.session->id : "", exchange.message.id,
                       exchange.caller.token_id,
                       exchange.is_modern() ? context.stop : std::stop_token());
  Context bounds = context;
  bounds.stop = entry.stop();
  Conversation conversation(exchange, stream, entry);
  return perform_rounds(exchange, job, conversation, bounds);
}

Answer Calls::perform_rounds(const Exchange& exchange, const Job& job, Conversation& conversation,
                             const Context& context) {
  tools::Invocation invocation;
  invocation.arguments = job.arguments;
  invocation.listener = &conversation;
  if (exchange.is_modern()) {
    if (auto wrong = read_input(exchange, job, invocation.input)) return *std::move(wrong);
  }
  for (int round = 0; round < kMostRounds; ++round) {
    const auto outcome = job.run(invocation, context);
    if (!outcome) return internal_error(outcome.error());
    const auto wanted = wanted_input(*outcome);
    if (!wanted) return job.finish(exchange, *outcome);
    if (exchange.is_modern()) return ask_modern(exchange, job, *wanted);
    const json::Value& requests = wanted->object("inputRequests");
    if (missing_capabilities(requests, exchange.capabilities()) != "{}") {
      return job.finish(exchange, unanswered("the client can't be asked for the input this needs"));
    }
    const auto responses = conversation.ask(requests, context);
    if (!responses) {
      return job.finish(exchange, unanswered("the client did not give the input this needs"));
    }
    const json::Value* state = wanted->find("requestState");
    invocation.input = input_json(*responses, state == nullptr ? "" : state->to_json());
  }
  return job.finish(exchange, unanswered("this asked its client too often"));
}

std::optional<RpcError> Calls::read_input(const Exchange& exchange, const Job& job,
                                          std::string& input) {
  const json::Value& params = exchange.message.params;
  const json::Value* responses = params.find("inputResponses");
  const json::Value* sealed = params.find("requestState");
  if (responses == nullptr && sealed == nullptr) return std::nullopt;
  if (responses != nullptr) {
    bool is_sound = responses->is(json::Value::Kind::kObject);
    for (const json::Member& response : responses->members) {
      is_sound = is_sound && response.value.is(json::Value::Kind::kObject);
    }
    if (!is_sound) return invalid_params("params.inputResponses must be an object of objects");
  }
  std::string state;
  if (sealed != nullptr) {
    auto opened = open_state(vault_, exchange, job.name, sealed->text);
    if (!opened) return invalid_params("params.requestState is not valid, or no longer");
    state = *std::move(opened);
  }
  input = input_json(responses == nullptr ? "{}" : responses->to_json(), state);
  return std::nullopt;
}

Answer Calls::ask_modern(const Exchange& exchange, const Job& job, const json::Value& wanted) {
  const json::Value& requests = wanted.object("inputRequests");
  const std::string missing = missing_capabilities(requests, exchange.capabilities());
  if (missing != "{}") {
    return RpcError{RpcCode::kMissingCapability, "the client lacks a capability that this needs",
                    json::object({{"requiredCapabilities", missing}}), 400};
  }
  std::string sealed;
  if (const json::Value* state = wanted.find("requestState")) {
    auto made = seal_state(vault_, exchange, job.name, state->to_json());
    if (!made) return internal_error(made.error());
    sealed = json::quoted(*made);
  }
  return json::object({{"resultType", json::quoted(kInputRequired)},
                       {"inputRequests", requests.to_json()},
                       {"requestState", sealed}});
}

}  // namespace lakehouse::worker::mcp
