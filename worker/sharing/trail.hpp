// SPDX-License-Identifier: PostgreSQL
// Trail: what a read by a recipient leaves behind: a record in the tenant's audit log before it is
// answered, and counts.
#pragma once

#include <cstdint>
#include <string_view>

#include "worker/gateway/services.hpp"
#include "worker/http/message.hpp"
#include "worker/sharing/admission.hpp"

namespace lakehouse::worker::sharing {

struct Read {
  std::string_view what;  // query, changes, metadata, credentials
  std::int64_t version = 0;
  std::int64_t files = 0, rows = 0, bytes = 0;  // that were told of
  std::chrono::steady_clock::time_point began;
};

// Returns when the record is durable. Errors: those of AuditStore; then nothing may be answered.
Status record(gateway::AuditStore& store, const http::Request& request, const Admission& who,
              const Read& read);

}  // namespace lakehouse::worker::sharing
