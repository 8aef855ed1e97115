// SPDX-License-Identifier: PostgreSQL
// Invocation: one run of a function of the catalog: what goes in, what it says while it runs, what
// comes out.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace lakehouse::worker::tools {

// What a running function tells its client: lakehouse.report_progress and lakehouse.report_log.
// Called on the thread that runs it.
class Listener {
 public:
  virtual ~Listener() = default;
  // `progress` is JSON: {"progress": number, "total": number or null}.
  virtual void on_progress(std::string_view progress, std::string_view message) = 0;
  virtual void on_log(std::string_view level, std::string_view data) = 0;
};

struct Invocation {
  std::string arguments = "{}";  // a JSON object
  // For a function that asked its client for something: {"inputResponses": …, "requestState": …};
  // empty in the first round.
  std::string input;
  Listener* listener = nullptr;
};

// What a caller reads of a failed call; `code` is one of SURFACE's: INVALID_QUERY, FORBIDDEN, …
struct Failure {
  std::string code, message, details, hint;
};

struct Outcome {
  std::string content;  // a JSON object; empty if it failed
  std::optional<Failure> failure;
};

}  // namespace lakehouse::worker::tools
