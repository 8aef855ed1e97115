// SPDX-License-Identifier: PostgreSQL
// Splits at ';', compares names byte by byte.
#include "worker/http/cookie.hpp"

#include <optional>

namespace lakehouse::worker::http {
namespace {

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

// What `pair` says about `name`, if anything.
std::optional<std::string_view> value_of(std::string_view pair, std::string_view name) {
  const std::size_t equals = pair.find('=');
  if (equals == std::string_view::npos || trimmed(pair.substr(0, equals)) != name) {
    return std::nullopt;
  }
  std::string_view value = trimmed(pair.substr(equals + 1));
  if (value.size() >= 2 && value.front() == '"' && value.back() == '"') {
    value = value.substr(1, value.size() - 2);
  }
  return value;
}

}  // namespace

std::string_view cookie(const Request& request, std::string_view name) {
  std::optional<std::string_view> found;
  for (const Header& header : request.headers) {
    if (header.name != "cookie") continue;
    std::string_view rest = header.value;
    while (!rest.empty()) {
      const std::size_t end = rest.find(';');
      const auto value = value_of(rest.substr(0, end), name);
      rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
      if (!value) continue;
      if (found && *found != *value) return {};
      found = value;
    }
  }
  return found.value_or(std::string_view());
}

}  // namespace lakehouse::worker::http
