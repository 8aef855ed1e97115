// SPDX-License-Identifier: PostgreSQL
// The table of routes, and who may use it. Scopes are for tools: here the user's role alone counts.
#include "worker/api/server.hpp"

namespace lakehouse::worker::api {
namespace {

http::Response not_stored(http::Response response) {
  response.headers.push_back({"Cache-Control", "no-store"});
  return response;
}

}  // namespace

std::vector<http::Route> Server::routes() {
  const auto to = [this](Method method) -> http::Handler {
    return [this, method](const http::Request& request, const Context& context) {
      return answer(method, request, context);
    };
  };
  return {{"GET", "/api/v1/admin/agents/tool-catalog", to(&Server::tool_catalog)}};
}

http::Response Server::answer(Method method, const http::Request& request, const Context& context) {
  auto admitted = gate_.admit(request, {}, context);
  if (auto* refused = std::get_if<http::Response>(&admitted)) return std::move(*refused);
  const auto& caller = std::get<oauth::Identity>(admitted);
  auto refusal = refuse(caller, context);
  if (refusal && *refusal) return not_stored(**std::move(refusal));
  auto done = refusal ? (this->*method)(caller, context) : refusal.error();
  if (done) return not_stored(*std::move(done));
  log_.failure("admin request failed", done.error(), context.request_id);
  return not_stored(http::problem(503, "UNAVAILABLE", "the request can't be answered just now", "",
                                  "Try again later."));
}

Result<std::optional<http::Response>> Server::refuse(const oauth::Identity& caller,
                                                     const Context& context) {
  auto rows =
      database_.query("SELECT lakehouse.is_tenant_admin($1::uuid, $2::name)::text",
                      {db::Value::text(caller.tenant_id), db::Value::text(caller.role)}, context);
  if (!rows) return rows.error();
  if (rows->row(0).text() == "true") return std::optional<http::Response>();
  return std::optional<http::Response>(http::problem(403, "FORBIDDEN",
                                                     "only the tenant's admins may do this", "",
                                                     "Sign in as a user with the role admin."));
}

Result<http::Response> Server::tool_catalog(const oauth::Identity& caller, const Context& context) {
  auto rows = database_.query("SELECT lakehouse.tool_catalog($1::uuid)::text",
                              {db::Value::text(caller.tenant_id)}, context);
  if (!rows) return rows.error();
  http::Response response;
  response.body = rows->row(0).text();
  return response;
}

}  // namespace lakehouse::worker::api
