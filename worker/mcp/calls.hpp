// SPDX-License-Identifier: PostgreSQL
// Calls: the three methods that run something of the catalog: tools/call, prompts/get and
// resources/read. Each may take a while, say how far it is, and need its client's input.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "core/vault/vault.hpp"
#include "worker/mcp/conversation.hpp"
#include "worker/mcp/exchange.hpp"
#include "worker/mcp/running.hpp"
#include "worker/oauth/gate.hpp"
#include "worker/tools/library.hpp"
#include "worker/tools/tools.hpp"

namespace lakehouse::worker::mcp {

using SharedExchange = std::shared_ptr<const Exchange>;

class Calls {
 public:
  Calls(tools::Tools& tools, tools::Library& library, const oauth::Gate& gate,
        const vault::Vault& vault, Running& running)
      : tools_(tools), library_(library), gate_(gate), vault_(vault), running_(running) {}

  Answer call_tool(const SharedExchange& exchange, const Context& context);
  Answer get_prompt(const SharedExchange& exchange, const Context& context);
  Answer read_resource(const SharedExchange& exchange, const Context& context);

 private:
  // One run of the function; and what becomes of its outcome.
  struct Job {
    std::string name;  // of the tool, prompt or resource
    std::string arguments = "{}";
    std::function<Result<tools::Outcome>(const tools::Invocation&, const Context&)> run;
    std::function<Answer(const Exchange&, const tools::Outcome&)> finish;
    bool may_ask = false;
  };
  Answer start(const SharedExchange& exchange, Job job, const Context& context);
  Answer perform(const Exchange& exchange, const Job& job, http::Stream* stream,
                 const Context& context);
  Answer perform_rounds(const Exchange& exchange, const Job& job, Conversation& conversation,
                        const Context& context);
  // The input that a modern client sent along; empty in the first round.
  std::optional<RpcError> read_input(const Exchange& exchange, const Job& job, std::string& input);
  Answer ask_modern(const Exchange& exchange, const Job& job, const json::Value& wanted);

  tools::Tools& tools_;
  tools::Library& library_;
  const oauth::Gate& gate_;
  const vault::Vault& vault_;
  Running& running_;
};

RpcError internal_error(const Error& error);

}  // namespace lakehouse::worker::mcp
