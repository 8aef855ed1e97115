// SPDX-License-Identifier: PostgreSQL
// Percent-encoding (RFC 3986, section 2.1), as paths and forms use it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace lakehouse::worker::http {

enum class Plus : std::uint8_t { kIsPlus, kIsSpace };

// Nothing if an escape is malformed, or the result is not UTF-8 or has control characters other
// than tab and line ends.
std::optional<std::string> percent_decode(std::string_view text, Plus plus);

// Everything but letters, digits and -._~ is escaped.
std::string percent_encode(std::string_view text);

}  // namespace lakehouse::worker::http
