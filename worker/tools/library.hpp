// SPDX-License-Identifier: PostgreSQL
// Library: the resources and prompts of the catalog, and completions, for a caller and as its role.
#pragma once

#include <string>
#include <string_view>

#include "core/base/context.hpp"
#include "core/base/result.hpp"
#include "worker/oauth/identity.hpp"
#include "worker/tools/invocation.hpp"

namespace lakehouse::worker::tools {

class Library {
 public:
  virtual ~Library() = default;

  // JSON arrays of MCP's objects, ordered by uri or name.
  virtual Result<std::string> resources(const oauth::Identity& caller, const Context& context) = 0;
  virtual Result<std::string> templates(const oauth::Identity& caller, const Context& context) = 0;
  virtual Result<std::string> prompts(const oauth::Identity& caller, const Context& context) = 0;

  // {"contents": […]}, {"messages": […]}, {"completion": {…}}. NOT_FOUND: there is no such one.
  virtual Result<Outcome> read(const oauth::Identity& caller, std::string_view uri,
                               const Invocation& invocation, const Context& context) = 0;
  virtual Result<Outcome> prompt(const oauth::Identity& caller, std::string_view name,
                                 const Invocation& invocation, const Context& context) = 0;
  // `request`: {"ref": …, "argument": …, "context": …}.
  virtual Result<Outcome> complete(const oauth::Identity& caller, std::string_view request,
                                   const Context& context) = 0;
};

}  // namespace lakehouse::worker::tools
