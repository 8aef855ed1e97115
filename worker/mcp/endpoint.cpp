// SPDX-License-Identifier: PostgreSQL
// Which era a request belongs to, its session, and the answer's form.
#include "worker/mcp/endpoint.hpp"

#include <array>

#include "worker/json/text.hpp"
#include "worker/mcp/headers.hpp"

namespace lakehouse::worker::mcp {
namespace {

constexpr std::string_view kVersionMember = "io.modelcontextprotocol/protocolVersion";
constexpr std::array<const char*, 2> kPaths{"/mcp", "/api/mcp"};
// What a client without a token is told to ask for: all that tools need.
const std::vector<std::string> kScopes{"crm:read", "crm:write", "warehouse:query"};

http::Response json_response(std::string body, int status = 200) {
  http::Response response;
  response.status = status;
  response.headers = {{"Cache-Control", "no-store"}};
  response.body = std::move(body);
  return response;
}

http::Response accepted() {
  http::Response response;
  response.status = 202;
  return response;
}

http::Response error_response(std::string_view id, const RpcError& error) {
  return json_response(error_text(id, error), error.http_status);
}

http::Response invalid(std::string_view id, std::string message, int status = 400) {
  return error_response(id, {RpcCode::kInvalidRequest, std::move(message), "", status});
}

http::Response method_not_allowed(std::string_view allowed) {
  http::Response response =
      http::problem(405, "METHOD_NOT_ALLOWED", "this revision of MCP has no such request");
  response.headers.push_back({"Allow", std::string(allowed)});
  return response;
}

bool accepts(const http::Request& request, std::string_view type) {
  const std::string_view accepted = request.header("accept");
  return accepted.empty() || accepted.find(type) != std::string_view::npos ||
         accepted.find("*/*") != std::string_view::npos;
}

bool is_json(std::string_view content_type) {
  const std::string_view type = content_type.substr(0, content_type.find(';'));
  return type.substr(0, type.find_last_not_of(' ') + 1) == "application/json";
}

std::optional<http::Response> refuse_form(const http::Request& request) {
  if (!is_json(request.header("content-type"))) {
    return http::problem(415, "UNSUPPORTED_MEDIA_TYPE", "the body must be application/json");
  }
  if (!accepts(request, "application/json") && !accepts(request, "text/event-stream")) {
    return http::problem(406, "NOT_ACCEPTABLE",
                         "the answer is application/json or text/event-stream");
  }
  return std::nullopt;
}

// A request says so itself, in its body or its header. Whoever names a version we don't know is
// told which ones there are, in the modern way.
bool is_modern(const http::Request& request, const json::Value& body) {
  if (body.object("params").object("_meta").find(kVersionMember) != nullptr) return true;
  const std::string_view named = request.header("mcp-protocol-version");
  if (named.empty()) return false;
  const Version* version = find_version(named);
  return version == nullptr || version->era == Era::kModern;
}

http::Response to_response(const Exchange& exchange, Answer answer) {
  if (auto* response = std::get_if<http::Response>(&answer)) return std::move(*response);
  if (auto* error = std::get_if<RpcError>(&answer)) {
    return error_response(exchange.message.id, *error);
  }
  if (const auto* ready = std::get_if<ReadyResult>(&answer)) {
    return json_response(result_text(exchange.message.id, **ready));
  }
  return json_response(result_text(exchange.message.id,
                                   complete(exchange, std::get<std::string>(std::move(answer)))));
}

// The gate's answer, as JSON-RPC where that helps: a client that must wait gets its id back.
http::Response refusal(const http::Request& request, http::Response response) {
  if (response.status != 429) return response;
  const auto body = json::parse(request.body);
  const json::Value* id = body ? body->find("id") : nullptr;
  std::string seconds = "1";
  for (const http::Header& header : response.headers) {
    if (header.name == "Retry-After") seconds = header.value;
  }
  const RpcError error{RpcCode::kRateLimited, "rate limit exceeded",
                       json::object({{"code", "\"RATE_LIMITED\""}, {"retryAfter", seconds}}), 429};
  response.body = error_text(id == nullptr ? "" : id->to_json(), error);
  return response;
}

}  // namespace

std::vector<http::Route> Endpoint::routes() {
  using Handler = http::Response (Endpoint::*)(const http::Request&, const Context&);
  struct Row {
    const char* method;
    Handler handler;
  };
  static constexpr std::array kRows{Row{"POST", &Endpoint::post}, Row{"GET", &Endpoint::get},
                                    Row{"DELETE", &Endpoint::end_session}};
  std::vector<http::Route> routes;
  for (const char* path : kPaths) {
    for (const Row& row : kRows) {
      routes.push_back(
          {row.method, path,
           [this, handler = row.handler](const http::Request& request, const Context& context) {
             return (this->*handler)(request, context);
           }});
    }
  }
  return routes;
}

http::Response Endpoint::post(const http::Request& request, const Context& context) {
  auto admitted = gate_.admit(request, kScopes, context);
  if (auto* refused = std::get_if<http::Response>(&admitted)) {
    return refusal(request, std::move(*refused));
  }
  if (auto refused = refuse_form(request)) return *std::move(refused);
  const Visit visit{request, std::get<oauth::Identity>(std::move(admitted)), context};
  const auto body = json::parse(request.body);
  if (!body) {
    return error_response("", {RpcCode::kParseError, "the body is not JSON that can be read",
                               json::quoted(body.error().detail), 400});
  }
  if (!is_modern(request, *body)) return answer_legacy(visit, *body);
  auto read = read_message(*body);
  if (auto* wrong = std::get_if<Unreadable>(&read)) return error_response(wrong->id, wrong->error);
  return answer_modern(visit, std::get<Message>(std::move(read)));
}

http::Response Endpoint::answer_modern(const Visit& visit, Message message) {
  if (message.kind != MessageKind::kRequest) return accepted();
  if (auto wrong = check_modern(visit.http, message)) return error_response(message.id, *wrong);
  return answer_request(visit, kModern, std::nullopt, std::move(message));
}

http::Response Endpoint::answer_request(const Visit& visit, const Version& version,
                                        std::optional<Session> session, Message message) {
  const auto exchange = std::make_shared<const Exchange>(
      Exchange{visit.http, visit.caller, &version, std::move(message), std::move(session)});
  return to_response(*exchange, methods_.run(exchange, visit.context));
}

http::Response Endpoint::answer_legacy(const Visit& visit, const json::Value& body) {
  const bool is_batch = body.is(json::Value::Kind::kArray);
  std::variant<Message, Unreadable> read = Unreadable{};
  if (!is_batch) {
    read = read_message(body);
    if (auto* wrong = std::get_if<Unreadable>(&read)) {
      return error_response(wrong->id, wrong->error);
    }
    auto& message = std::get<Message>(read);
    if (message.method == "initialize") return initialize(visit, std::move(message));
  }
  auto found = find_session(visit);
  if (auto* refused = std::get_if<http::Response>(&found)) return std::move(*refused);
  auto& session = std::get<Session>(found);
  if (is_batch) return answer_batch(visit, session, body);
  auto& message = std::get<Message>(read);
  switch (message.kind) {
    case MessageKind::kNotification:
      return take_notification(visit, session, message);
    case MessageKind::kResponse:
      return take_response(visit, session, message);
    case MessageKind::kRequest:
      break;
  }
  const Version& version = *session.version;
  return answer_request(visit, version, std::move(session), std::move(message));
}

// Only 2025-03-26 has batches. Their answers come together, as one array.
http::Response Endpoint::answer_batch(const Visit& visit, const Session& session,
                                      const json::Value& body) {
  constexpr std::size_t kMostMessages = 50;
  if (!session.version->has_batches) return invalid("", "this revision of MCP has no batches");
  if (body.members.empty() || body.members.size() > kMostMessages) {
    return invalid("", "a batch has 1 to 50 messages");
  }
  std::string answers;
  for (const json::Member& item : body.members) {
    http::Request single = visit.http;
    single.body = item.value.to_json();
    // Each answer must be one JSON object.
    std::erase_if(single.headers,
                  [](const http::Header& header) { return header.name == "accept"; });
    single.headers.push_back({"accept", "application/json"});
    const Visit part{single, visit.caller, visit.context};
    if (item.value.is(json::Value::Kind::kArray)) return invalid("", "a batch holds no batches");
    const http::Response answer = answer_legacy(part, item.value);
    if (answer.body.empty()) continue;
    answers += (answers.empty() ? "[" : ",") + answer.body;
  }
  return answers.empty() ? accepted() : json_response(answers + "]");
}

http::Response Endpoint::initialize(const Visit& visit, Message message) {
  if (message.kind != MessageKind::kRequest) return invalid("", "initialize must be a request");
  const auto asked = message.params.string("protocolVersion");
  if (!asked) {
    RpcError error = invalid_params("params.protocolVersion must be a string");
    return error_response(message.id, error);
  }
  const Version* version = find_version(*asked);
  if (version == nullptr || version->era != Era::kLegacy) version = &kNewestLegacy;
  const json::Value& capabilities = message.params.object("capabilities");
  const auto id = sessions_.begin(visit.caller, *version, capabilities.to_json(), visit.context);
  if (!id) return error_response(message.id, internal_error(id.error()));
  http::Response response = answer_request(visit, *version, std::nullopt, std::move(message));
  response.headers.push_back({"Mcp-Session-Id", *id});
  return response;
}

http::Response Endpoint::take_notification(const Visit& visit, const Session& session,
                                           const Message& message) {
  if (message.method != "notifications/cancelled") return accepted();
  const json::Value* request = message.params.find("requestId");
  if (request == nullptr || running_.cancel(session.id, request->to_json())) return accepted();
  const Status sent = sessions_.forward(session, visit.http.body, visit.context);
  return sent ? accepted() : error_response("", internal_error(sent.error()));
}

http::Response Endpoint::take_response(const Visit& visit, const Session& session,
                                       const Message& message) {
  if (running_.deliver(session.id, message.id, message.response)) return accepted();
  const Status sent = sessions_.forward(session, visit.http.body, visit.context);
  return sent ? accepted() : error_response("", internal_error(sent.error()));
}

std::variant<Session, http::Response> Endpoint::find_session(const Visit& visit) {
  const std::string_view id = visit.http.header("mcp-session-id");
  if (id.empty()) return invalid("", "header Mcp-Session-Id is missing: begin with initialize");
  auto found = sessions_.find(visit.caller, id, visit.context);
  if (!found) return error_response("", internal_error(found.error()));
  if (!*found)
    return invalid("", "the session is unknown, or has ended: begin with initialize", 404);
  return **std::move(found);
}

http::Response Endpoint::get(const http::Request& request, const Context& context) {
  auto admitted = gate_.admit(request, kScopes, context);
  if (auto* refused = std::get_if<http::Response>(&admitted)) return std::move(*refused);
  if (is_modern(request, {}) || !accepts(request, "text/event-stream")) {
    return method_not_allowed("POST");
  }
  const Visit visit{request, std::get<oauth::Identity>(std::move(admitted)), context};
  auto found = find_session(visit);
  if (auto* refused = std::get_if<http::Response>(&found)) return std::move(*refused);
  const auto& session = std::get<Session>(found);
  return listeners_.open(visit.caller, session, session.subscriptions);
}

http::Response Endpoint::end_session(const http::Request& request, const Context& context) {
  auto admitted = gate_.admit(request, kScopes, context);
  if (auto* refused = std::get_if<http::Response>(&admitted)) return std::move(*refused);
  if (is_modern(request, {})) return method_not_allowed("POST");
  const Visit visit{request, std::get<oauth::Identity>(std::move(admitted)), context};
  auto found = find_session(visit);
  if (auto* refused = std::get_if<http::Response>(&found)) return std::move(*refused);
  const auto& session = std::get<Session>(found);
  if (Status ended = sessions_.end(session, context); !ended) {
    return error_response("", internal_error(ended.error()));
  }
  running_.end(session.id);
  listeners_.end_session(session.id);
  http::Response response;
  response.status = 204;
  return response;
}

}  // namespace lakehouse::worker::mcp
