// SPDX-License-Identifier: PostgreSQL
// Conversation: what goes to a client while one of its requests runs: progress, log messages, and,
// in the legacy era, requests of the server's own (elicitation, sampling, roots).
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "worker/http/stream.hpp"
#include "worker/mcp/exchange.hpp"
#include "worker/mcp/running.hpp"
#include "worker/tools/invocation.hpp"

namespace lakehouse::worker::mcp {

class Conversation final : public tools::Listener {
 public:
  // `stream` may be null: then nothing is said, and nothing can be asked.
  Conversation(const Exchange& exchange, http::Stream* stream, Running::Entry& entry);

  void on_progress(std::string_view progress, std::string_view message) override;
  void on_log(std::string_view level, std::string_view data) override;

  // Asks the client each of `requests` ({key: {method, params}}) and returns {key: result}. Nothing
  // if it did not answer in time, answered with an error, or can't be asked.
  std::optional<std::string> ask(const json::Value& requests, const Context& context);

 private:
  const Exchange& exchange_;
  http::Stream* stream_;
  Running::Entry& entry_;
  const std::string progress_token_;
};

// Of RFC 5424.
bool is_log_level(std::string_view level);

// The members of a ClientCapabilities object that `requests` need and the client does not have;
// "{}" if there are none.
std::string missing_capabilities(const json::Value& requests, const json::Value& capabilities);

}  // namespace lakehouse::worker::mcp
