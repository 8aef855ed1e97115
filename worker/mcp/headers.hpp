// SPDX-License-Identifier: PostgreSQL
// What a modern request must say in its header, and that header and body say the same
// (2026-07-28, basic/transports/streamable-http and basic/index).
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "worker/http/message.hpp"
#include "worker/mcp/rpc.hpp"

namespace lakehouse::worker::mcp {

// Nothing if all is well.
std::optional<RpcError> check_modern(const http::Request& request, const Message& message);

// Mcp-Param-*: arguments that the tool's input schema marks with x-mcp-header. `schema` and
// `arguments` are objects.
std::optional<RpcError> check_parameters(const http::Request& request, const json::Value& schema,
                                         const json::Value& arguments);

// A header's value; text that a header can't carry comes as =?base64?…?=. Nothing if that is
// malformed.
std::optional<std::string> decode_header(std::string_view value);

RpcError unsupported_version(std::string_view requested);

}  // namespace lakehouse::worker::mcp
