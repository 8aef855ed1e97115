// SPDX-License-Identifier: PostgreSQL
// A linear look through the table: it is short.
#include "worker/http/router.hpp"

#include <new>

namespace lakehouse::worker::http {

Response Router::answer(const Request& request, const Context& context) const noexcept {
  try {
    return route(request, context);
  } catch (const std::bad_alloc&) {
    Response response;
    response.status = 507;  // with no body: there is no memory for one
    return response;
  } catch (const std::exception&) {
    Response response;
    response.status = 500;
    return response;
  }
}

Response Router::route(const Request& request, const Context& context) const {
  const std::string wanted = request.method == "HEAD" ? "GET" : request.method;
  for (const Route& route : routes_) {
    if (route.path == request.path && route.method == wanted) {
      return route.handler(request, context);
    }
  }
  const std::string allowed = allowed_methods(request.path);
  if (allowed.empty()) {
    return problem(404, "NOT_FOUND", "there is nothing at this path");
  }
  Response response = problem(405, "METHOD_NOT_ALLOWED", "this path does not take this method",
                              "Allowed: " + allowed + ".");
  response.headers.push_back({"Allow", allowed});
  return response;
}

std::string Router::allowed_methods(const std::string& path) const {
  std::string allowed;
  for (const Route& route : routes_) {
    if (route.path != path) continue;
    allowed += (allowed.empty() ? "" : ", ") + route.method;
    if (route.method == "GET") allowed += ", HEAD";
  }
  return allowed;
}

}  // namespace lakehouse::worker::http
