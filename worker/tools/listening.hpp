// SPDX-License-Identifier: PostgreSQL
// From the notices of a running function to its Listener.
#pragma once

#include <functional>

#include "worker/db/batch.hpp"
#include "worker/tools/invocation.hpp"

namespace lakehouse::worker::tools {

// lakehouse.report_progress and lakehouse.report_log raise notices with these states.
inline constexpr const char* kProgressState = "LHPRG";
inline constexpr const char* kLogState = "LHLOG";

inline std::function<void(const db::Report&)> listening(Listener* listener) {
  if (listener == nullptr) return {};
  return [listener](const db::Report& notice) {
    if (notice.sqlstate == kProgressState) listener->on_progress(notice.detail, notice.message);
    if (notice.sqlstate == kLogState) listener->on_log(notice.message, notice.detail);
  };
}

}  // namespace lakehouse::worker::tools
