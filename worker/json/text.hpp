// SPDX-License-Identifier: PostgreSQL
// Text as JSON strings (RFC 8259). Bytes that are not UTF-8 come out as U+FFFD, so the result is
// always valid JSON.
#pragma once

#include <string>
#include <string_view>

namespace lakehouse::worker::json {

// Appends `text` in double quotes.
void append_quoted(std::string& out, std::string_view text);
std::string quoted(std::string_view text);
// `text` itself as UTF-8, with the same replacement.
std::string well_formed(std::string_view text);
bool is_well_formed(std::string_view text);

}  // namespace lakehouse::worker::json
