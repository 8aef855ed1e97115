// SPDX-License-Identifier: PostgreSQL
// The /metrics page: Prometheus text exposition format 0.0.4.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "core/http/client.hpp"
#include "worker/metrics/counters.hpp"

namespace lakehouse::worker::metrics {

struct Snapshot {
  std::string_view version;
  std::chrono::system_clock::time_point started_at;
  lakehouse::http::ClientStats client;
};

std::string expose(const Counters& counters, const Snapshot& snapshot);

}  // namespace lakehouse::worker::metrics
