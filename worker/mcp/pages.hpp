// SPDX-License-Identifier: PostgreSQL
// Pages of a list (…/server/utilities/pagination): as many items as fit into a bound of bytes.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace lakehouse::worker::mcp {

inline constexpr std::size_t kPageBytes = 128U << 10U;

struct Page {
  std::string items;        // a JSON array
  std::string next_cursor;  // empty: the last page
};

// `list` is a JSON array of objects in the order of their member `key`, which no two share.
// Nothing if the cursor is not one of ours. An item that has gone since costs no other its place.
std::optional<Page> page_of(const std::string& list, std::string_view key,
                            std::optional<std::string_view> cursor,
                            std::size_t page_bytes = kPageBytes);

}  // namespace lakehouse::worker::mcp
