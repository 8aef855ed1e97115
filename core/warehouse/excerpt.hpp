// SPDX-License-Identifier: PostgreSQL
// Foreign text in our error messages: cut to a bound at a character's border, without control
// characters.
#pragma once

#include <string>
#include <string_view>

namespace lakehouse::warehouse {

// At most `max_bytes`; a longer text ends in "...". A control character or a byte that is not UTF-8
// becomes a blank.
std::string excerpt(std::string_view text, std::size_t max_bytes);

// The first 64 bytes, in double quotes.
std::string quoted_excerpt(std::string_view text);

}  // namespace lakehouse::warehouse
