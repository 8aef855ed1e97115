// SPDX-License-Identifier: PostgreSQL
// Outcome: what came of a job.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/base/error.hpp"
#include "core/wire/message.hpp"

namespace lakehouse::worker::publish {

struct Job {
  std::int64_t id = 0;
  std::string tenant_id;
};

struct Outcome {
  std::vector<wire::PublishedVersion> versions;
  std::optional<Error> failure;  // the first, of one table or of the whole job
};

// As publish_jobs.error and published_tables.last_error have it.
inline std::string error_text(const Error& error) {
  std::string text = error.message;
  if (!error.detail.empty()) text += "\nDETAIL: " + error.detail;
  if (!error.hint.empty()) text += "\nHINT: " + error.hint;
  return text;
}

}  // namespace lakehouse::worker::publish
