// SPDX-License-Identifier: PostgreSQL
// Runs the checks at each request, all within one short deadline: a load balancer does not wait
// long.
#include "worker/http/health.hpp"

#include <chrono>
#include <utility>

#include "worker/json/text.hpp"

namespace lakehouse::worker::http {
namespace {

constexpr std::chrono::milliseconds kReadyTime{2'000};

std::string outcome(const Check& check, const Status& passed) {
  std::string text = "{\"name\":" + json::quoted(check.name);
  text += ",\"ok\":";
  text += passed ? "true" : "false";
  if (!passed) text += ",\"reason\":" + json::quoted(passed.error().message);
  return text + "}";
}

Response ready(const std::vector<Check>& checks, const Context& context) {
  const Context bounded{context.deadline.sooner(Deadline::in(kReadyTime)), context.stop,
                        context.request_id};
  Response response;
  std::string outcomes;
  for (const Check& check : checks) {
    const Status passed = check.run(bounded);
    if (!passed) response.status = 503;
    outcomes += (outcomes.empty() ? "" : ",") + outcome(check, passed);
  }
  const char* status = response.status == 200 ? "ready" : "not ready";
  response.body = "{\"status\":\"" + std::string(status) + "\",\"checks\":[" + outcomes + "]}\n";
  response.headers.push_back({"Cache-Control", "no-store"});
  return response;
}

}  // namespace

std::vector<Route> health_routes(std::vector<Check> checks) {
  const auto live = [](const Request&, const Context&) {
    Response response;
    response.body = "{\"status\":\"live\"}\n";
    response.headers.push_back({"Cache-Control", "no-store"});
    return response;
  };
  return {{"GET", "/live", live, Audience::kProbes},
          {"GET", "/ready",
           [checks = std::move(checks)](const Request&, const Context& context) {
             return ready(checks, context);
           },
           Audience::kProbes}};
}

}  // namespace lakehouse::worker::http
