// SPDX-License-Identifier: PostgreSQL
// Timestamps as the protocol writes them: ISO 8601 with a time zone.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace lakehouse::worker::sharing {

// "2026-01-01T00:00:00Z", "2026-01-01T01:00:00.5+01:00", a blank for the T: microseconds since
// 1970. Nothing if it is anything else: a bare date or a time without a zone could mean many.
std::optional<std::int64_t> parse_timestamp(std::string_view text);

// "2026-01-01T00:00:00.000Z"
std::string timestamp_text(std::int64_t seconds);

}  // namespace lakehouse::worker::sharing
