// SPDX-License-Identifier: PostgreSQL
// RFC 3986's unreserved characters stay; hex digits are upper case.
#include "core/s3/uri.hpp"

#include <algorithm>

#include "core/base/json_text.hpp"

namespace lakehouse::s3 {

std::string encode_path(std::string_view path) {
  std::string encoded;
  while (true) {
    const std::size_t end = path.find('/');
    encoded += percent_encoded(path.substr(0, end));
    if (end == std::string_view::npos) return encoded;
    encoded += '/';
    path.remove_prefix(end + 1);
  }
}

std::string encode_query(const std::vector<Parameter>& parameters) {
  std::vector<std::pair<std::string, std::string>> pairs;
  for (const Parameter& one : parameters) {
    pairs.emplace_back(percent_encoded(one.name), percent_encoded(one.value));
  }
  std::ranges::sort(pairs);
  std::string query;
  for (const auto& [name, value] : pairs) {
    if (!query.empty()) query += '&';
    query.append(name).append("=").append(value);
  }
  return query;
}

}  // namespace lakehouse::s3
