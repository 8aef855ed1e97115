// SPDX-License-Identifier: PostgreSQL
// Endpoint: MCP's one URL, Streamable HTTP: POST for messages, GET for a legacy session's stream,
// DELETE for its end. Both eras on the same path; what a request says tells them apart.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "worker/http/router.hpp"
#include "worker/mcp/methods.hpp"

namespace lakehouse::worker::mcp {

class Endpoint {
 public:
  Endpoint(oauth::Gate& gate, Methods& methods, Sessions& sessions, Running& running,
           Listeners& listeners)
      : gate_(gate),
        methods_(methods),
        sessions_(sessions),
        running_(running),
        listeners_(listeners) {}

  std::vector<http::Route> routes();

 private:
  // What came with a request before it is known what it wants.
  struct Visit {
    const http::Request& http;
    oauth::Identity caller;
    const Context& context;
  };
  http::Response post(const http::Request& request, const Context& context);
  http::Response get(const http::Request& request, const Context& context);
  http::Response end_session(const http::Request& request, const Context& context);

  http::Response answer_modern(const Visit& visit, Message message);
  http::Response answer_legacy(const Visit& visit, const json::Value& body);
  http::Response answer_batch(const Visit& visit, const Session& session, const json::Value& body);
  http::Response initialize(const Visit& visit, Message message);
  http::Response answer_request(const Visit& visit, const Version& version,
                                std::optional<Session> session, Message message);
  http::Response take_notification(const Visit& visit, const Session& session,
                                   const Message& message);
  http::Response take_response(const Visit& visit, const Session& session, const Message& message);

  // The session that the request names, or why not.
  std::variant<Session, http::Response> find_session(const Visit& visit);

  oauth::Gate& gate_;
  Methods& methods_;
  Sessions& sessions_;
  Running& running_;
  Listeners& listeners_;
};

}  // namespace lakehouse::worker::mcp
