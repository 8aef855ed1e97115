// SPDX-License-Identifier: PostgreSQL
// Base64 (RFC 4648): as headers carry it, and for URLs without padding.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace lakehouse::worker::mcp {

std::string to_base64url(std::string_view bytes);
// Nothing unless it is the one encoding of some bytes.
std::optional<std::string> from_base64url(std::string_view text);
std::optional<std::string> from_base64(std::string_view text);  // with padding

}  // namespace lakehouse::worker::mcp
