// SPDX-License-Identifier: PostgreSQL
// Members of other kinds than the standard's are refused, not read as absent.
#include "worker/oauth/client_metadata.hpp"

#include <algorithm>
#include <array>

#include "worker/oauth/redirect_uri.hpp"

namespace lakehouse::worker::oauth {
namespace {

constexpr std::size_t kMostRedirects = 20, kLongestName = 200;

// Characters that nobody sees, or that turn the text around: with them a name can pass for another.
struct Range {
  char32_t first, last;
};
constexpr std::array<Range, 9> kHidden = {{{0, 0x1f},
                                           {0x7f, 0x9f},
                                           {0xad, 0xad},
                                           {0x61c, 0x61c},
                                           {0x200b, 0x200f},
                                           {0x2028, 0x202e},
                                           {0x2060, 0x206f},
                                           {0xfeff, 0xfeff},
                                           {0xe0000, 0xe007f}}};

bool is_hidden(char32_t point) {
  return std::ranges::any_of(
      kHidden, [&](Range range) { return range.first <= point && point <= range.last; });
}

// Of valid UTF-8, as JSON is when it has been read.
std::string visible(std::string_view text) {
  std::string shown;
  while (!text.empty()) {
    const auto lead = static_cast<unsigned char>(text.front());
    const std::size_t size = std::min<std::size_t>(text.size(), lead < 0x80   ? 1
                                                                : lead < 0xe0 ? 2
                                                                : lead < 0xf0 ? 3
                                                                              : 4);
    char32_t point = size == 1 ? lead : lead & (0x7fU >> size);
    for (const char next : text.substr(1, size - 1)) {
      point = point << 6U | static_cast<char32_t>(next & 0x3f);
    }
    if (!is_hidden(point)) shown += text.substr(0, size);
    text.remove_prefix(size);
  }
  return shown;
}

}  // namespace

std::optional<std::vector<std::string>> redirects_of(const json::Value& metadata) {
  const json::Value* uris = metadata.find("redirect_uris");
  if (uris == nullptr || !uris->is(json::Value::Kind::kArray)) return std::nullopt;
  if (uris->members.empty() || uris->members.size() > kMostRedirects) return std::nullopt;
  std::vector<std::string> redirects;
  for (const json::Member& entry : uris->members) {
    if (!entry.value.is(json::Value::Kind::kString) || !is_open_redirect_uri(entry.value.text)) {
      return std::nullopt;
    }
    redirects.push_back(entry.value.text);
  }
  return redirects;
}

std::string shown_name(const json::Value& metadata, std::string_view otherwise) {
  std::string name = visible(metadata.string("client_name").value_or(""));
  const bool is_blank = name.find_first_not_of(' ') == std::string::npos;
  return is_blank || name.size() > kLongestName ? std::string(otherwise) : name;
}

bool has_or_lacks(const json::Value& metadata, std::string_view key, std::string_view wanted) {
  const json::Value* list = metadata.find(key);
  if (list == nullptr) return true;
  return list->is(json::Value::Kind::kArray) &&
         std::ranges::any_of(list->members, [&](const json::Member& entry) {
           return entry.value.is(json::Value::Kind::kString) && entry.value.text == wanted;
         });
}

}  // namespace lakehouse::worker::oauth
