// SPDX-License-Identifier: PostgreSQL
// Header lookup, and errors as JSON.
#include "worker/http/message.hpp"

#include "worker/json/text.hpp"

namespace lakehouse::worker::http {

std::string_view Request::header(std::string_view name) const {
  for (const Header& header : headers) {
    if (header.name == name) return header.value;
  }
  return {};
}

Response problem(int status, std::string_view code, std::string_view message,
                 std::string_view details, std::string_view hint) {
  Response response;
  response.status = status;
  response.body = "{\"code\":" + json::quoted(code) + ",\"message\":" + json::quoted(message) +
                  ",\"details\":" + json::quoted(details) + ",\"hint\":" + json::quoted(hint) +
                  "}\n";
  response.problem = {std::string(code), std::string(message)};
  return response;
}

Response problem(const Error& error) {
  const ErrorCodeFacts& facts = facts_of(error.code);
  return problem(facts.http_status, facts.name, error.message, error.detail, error.hint);
}

}  // namespace lakehouse::worker::http
