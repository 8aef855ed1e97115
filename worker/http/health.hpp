// SPDX-License-Identifier: PostgreSQL
// /live and /ready. Live: the process answers. Ready: every check passes; else 503, with the
// reasons.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "core/base/result.hpp"
#include "worker/http/router.hpp"

namespace lakehouse::worker::http {

struct Check {
  std::string name;
  std::function<Status(const Context&)> run;
};

std::vector<Route> health_routes(std::vector<Check> checks);

}  // namespace lakehouse::worker::http
