// SPDX-License-Identifier: PostgreSQL
// Methods: the table of MCP's methods, by era, and those of them that need no run of a function.
#pragma once

#include <span>
#include <string_view>

#include "worker/mcp/calls.hpp"
#include "worker/mcp/exchange.hpp"
#include "worker/mcp/listeners.hpp"
#include "worker/mcp/sessions.hpp"
#include "worker/mcp/tool_lists.hpp"
#include "worker/tools/library.hpp"
#include "worker/tools/tools.hpp"

namespace lakehouse::worker::mcp {

class Methods {
 public:
  Methods(tools::Tools& tools, tools::Library& library, Sessions& sessions, Calls& calls,
          Listeners& listeners, ToolLists& tool_lists)
      : tools_(tools),
        library_(library),
        sessions_(sessions),
        calls_(calls),
        listeners_(listeners),
        tool_lists_(tool_lists) {}

  // Errors: kMethodNotFound (with HTTP 404 in the modern era).
  Answer run(const SharedExchange& exchange, const Context& context);

 private:
  using Function = Answer (Methods::*)(const SharedExchange&, const Context&);
  struct Row {
    std::string_view name;
    bool is_legacy, is_modern;
    Function function;
  };
  static std::span<const Row> table();

  Answer initialize(const SharedExchange& exchange, const Context& context);
  Answer discover(const SharedExchange& exchange, const Context& context);
  Answer ping(const SharedExchange& exchange, const Context& context);
  Answer list_tools(const SharedExchange& exchange, const Context& context);
  Answer call_tool(const SharedExchange& exchange, const Context& context);
  Answer list_resources(const SharedExchange& exchange, const Context& context);
  Answer list_templates(const SharedExchange& exchange, const Context& context);
  Answer read_resource(const SharedExchange& exchange, const Context& context);
  Answer subscribe(const SharedExchange& exchange, const Context& context);
  Answer unsubscribe(const SharedExchange& exchange, const Context& context);
  Answer list_prompts(const SharedExchange& exchange, const Context& context);
  Answer get_prompt(const SharedExchange& exchange, const Context& context);
  Answer complete_argument(const SharedExchange& exchange, const Context& context);
  Answer set_level(const SharedExchange& exchange, const Context& context);
  Answer listen(const SharedExchange& exchange, const Context& context);

  tools::Tools& tools_;
  tools::Library& library_;
  Sessions& sessions_;
  Calls& calls_;
  Listeners& listeners_;
  ToolLists& tool_lists_;
};

}  // namespace lakehouse::worker::mcp
