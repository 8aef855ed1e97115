// SPDX-License-Identifier: PostgreSQL
// Tools: the catalog of lakehouse.tools as a caller sees it, and a call as that caller's role.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "core/base/context.hpp"
#include "core/base/result.hpp"
#include "worker/oauth/identity.hpp"
#include "worker/tools/invocation.hpp"

namespace lakehouse::worker::tools {

struct Tool {
  std::string name, scope;
  bool is_read_only = false;
  // Its result is structured content, as its output schema says; else an MCP CallToolResult as is.
  bool is_structured = true;
  std::string marked_schema;  // its input schema, if that marks arguments with x-mcp-header

  // How to run it, as find() found it.
  std::string kind, function, bound = "{}";
  bool takes_input = false;
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

  // One transaction as the caller's role; intent and outcome go to the audit log. A tool that fails
  // is an Outcome; an Error is ours: no database, stopped. A stop cancels the statement, and with
  // it what runs remotely.
  virtual Result<Outcome> call(const oauth::Identity& caller, const Tool& tool,
                               const Invocation& invocation, const Context& context) = 0;
};

}  // namespace lakehouse::worker::tools
