// SPDX-License-Identifier: PostgreSQL
// Text for HTML pages.
#pragma once

#include <string>
#include <string_view>

namespace lakehouse::worker::http {

// For element content and for attribute values in quotes of either kind; for nothing else.
// Bytes that are not UTF-8 come out as U+FFFD.
std::string escape_html(std::string_view text);

}  // namespace lakehouse::worker::http
