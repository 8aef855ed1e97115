// SPDX-License-Identifier: PostgreSQL
// UTF-8 text by its characters (RFC 3629: no overlong form, no surrogate).
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace lakehouse::delta {

bool is_utf8(std::string_view text);

// The first `characters` of well-formed `text`, at most.
std::string_view utf8_prefix(std::string_view text, std::size_t characters);

// The least text of at most so many characters as `prefix` has that comes after every text which
// begins with it, by bytes as by code points. Nothing if there is none.
std::optional<std::string> utf8_successor(std::string_view prefix);

}  // namespace lakehouse::delta
