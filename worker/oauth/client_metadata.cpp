// SPDX-License-Identifier: PostgreSQL
// Members of other kinds than the standard's are refused, not read as absent.
#include "worker/oauth/client_metadata.hpp"

#include <algorithm>

#include "worker/oauth/redirect_uri.hpp"

namespace lakehouse::worker::oauth {
namespace {

constexpr std::size_t kMostRedirects = 20, kLongestName = 200;

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
  std::string name(metadata.string("client_name").value_or(""));
  std::erase_if(name, [](char c) { return static_cast<unsigned char>(c) < ' ' || c == '\x7f'; });
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
