// SPDX-License-Identifier: PostgreSQL
// A cursor is the key of the last item of its page.
#include "worker/mcp/pages.hpp"

#include "core/base/base64.hpp"
#include "worker/json/value.hpp"

namespace lakehouse::worker::mcp {

std::optional<Page> page_of(const std::string& list, std::string_view key,
                            std::optional<std::string_view> cursor, std::size_t page_bytes) {
  if (!cursor && list.size() <= page_bytes) return Page{list, {}};
  std::optional<std::string> after;
  if (cursor) {
    after = from_base64url(*cursor);
    if (!after || after->empty()) return std::nullopt;
  }
  const auto parsed = json::parse(list);
  if (!parsed || !parsed->is(json::Value::Kind::kArray)) return std::nullopt;
  Page page{"[", {}};
  std::string_view last;
  for (const json::Member& item : parsed->members) {
    const std::string_view name = item.value.string(key).value_or("");
    if (after && name <= *after) continue;
    const std::string text = item.value.to_json();
    if (page.items.size() > 1 && page.items.size() + text.size() > page_bytes) {
      page.next_cursor = to_base64url(last);
      break;
    }
    if (page.items.size() > 1) page.items.push_back(',');
    page.items += text;
    last = name;
  }
  page.items.push_back(']');
  return page;
}

}  // namespace lakehouse::worker::mcp
