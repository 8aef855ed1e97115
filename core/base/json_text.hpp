// SPDX-License-Identifier: PostgreSQL
// Writing JSON: strings escaped as RFC 8259 asks, nothing more.
#pragma once

#include <string>
#include <string_view>

namespace lakehouse {

// Appends `text` in quotes.
void append_json_string(std::string& json, std::string_view text);

// Appends ,"key":"text" (without the comma right after an opening brace); nothing if the text is
// empty.
void append_json_field(std::string& json, std::string_view key, std::string_view text);

// `text` for one segment of a URL's path or query: all but letters, digits and "-._~" encoded, with
// digits in upper case.
std::string percent_encoded(std::string_view text);

}  // namespace lakehouse
