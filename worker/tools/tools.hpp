// SPDX-License-Identifier: PostgreSQL
// Tools: the catalog of lakehouse.tools as a caller sees it, and a call as that caller's role.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "core/base/context.hpp"
#include "core/base/result.hpp"
#include "worker/oauth/identity.hpp"

namespace lakehouse::worker::tools {

// What a caller reads of a failed call; `code` is one of SURFACE's: INVALID_QUERY, FORBIDDEN, …
struct Failure {
  std::string code, message, details, hint;
};

struct Outcome {
  std::string content;  // JSON, the tool's structured result; empty if it failed
  std::optional<Failure> failure;
};

struct Tool {
  std::string name, scope;
  bool is_read_only = false;
};

class Tools {
 public:
  virtual ~Tools() = default;

  // A JSON array of MCP tool objects, ordered by name: those the identity's scopes allow.
  virtual Result<std::string> list(const oauth::Identity& caller, const Context& context) = 0;

  // Nothing if there is no such tool for the caller's tenant. Whether its scopes suffice is the
  // caller's question.
  virtual Result<std::optional<Tool>> find(const oauth::Identity& caller, std::string_view name,
                                           const Context& context) = 0;

  // One transaction as the caller's role; intent and outcome go to the audit log. `arguments` is a
  // JSON object. A tool that fails is an Outcome; an Error is ours: no database, stopped.
  // A stop cancels the statement, and with it what runs remotely.
  virtual Result<Outcome> call(const oauth::Identity& caller, const Tool& tool,
                               std::string_view arguments, const Context& context) = 0;
};

}  // namespace lakehouse::worker::tools
