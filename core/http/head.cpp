// SPDX-License-Identifier: PostgreSQL
// curl hands over each header line of each head of a response; this sorts them.
#include "core/http/head.hpp"

#include <algorithm>
#include <charconv>

namespace lakehouse::http {
namespace {

constexpr std::string_view kBlanks = " \t\r\n";

std::string_view trim(std::string_view text) {
  const std::size_t first = text.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

std::string to_lower(std::string_view text) {
  std::string lower(text);
  for (char& letter : lower) {
    if (letter >= 'A' && letter <= 'Z') letter = static_cast<char>(letter - 'A' + 'a');
  }
  return lower;
}

// "HTTP/1.1 200 OK" or "HTTP/2 200"; 0 if there is no number.
int parse_status(std::string_view line) {
  const std::size_t space = line.find(' ');
  if (space == std::string_view::npos) return 0;
  const std::string_view rest = line.substr(space + 1);
  int status = 0;
  std::from_chars(rest.data(), rest.data() + rest.size(), status);
  return status;
}

}  // namespace

bool Head::take(std::string_view line) {
  bytes_ += line.size();
  if (bytes_ > kMaxHeadBytes) return false;
  if (is_complete_) return true;
  if (line.starts_with("HTTP/")) {
    headers_.clear();
    status_ = parse_status(line);
    return true;
  }
  if (trim(line).empty()) {
    is_complete_ = status_ >= 200;
    return true;
  }
  return take_field(line);
}

bool Head::take_field(std::string_view line) {
  const bool is_folded = line[0] == ' ' || line[0] == '\t';  // obsolete line folding
  if (is_folded && !headers_.empty()) {
    headers_.back().value.append(" ").append(trim(line));
    return true;
  }
  if (headers_.size() == kMaxHeaderCount) return false;
  const std::size_t colon = std::min(line.find(':'), line.size());
  const std::string_view value = trim(line.substr(std::min(colon + 1, line.size())));
  headers_.push_back({to_lower(trim(line.substr(0, colon))), std::string(value)});
  return true;
}

std::optional<std::uint64_t> Head::content_length() const {
  const auto value = find_header(headers_, "content-length");
  if (!value) return std::nullopt;
  std::uint64_t length = 0;
  const auto [stop, status] = std::from_chars(value->data(), value->data() + value->size(), length);
  if (status != std::errc()) return std::nullopt;
  return length;
}

std::optional<std::string_view> find_header(const std::vector<Header>& headers,
                                            std::string_view name) {
  const auto found = std::find_if(headers.begin(), headers.end(),
                                  [name](const Header& header) { return header.name == name; });
  if (found == headers.end()) return std::nullopt;
  return found->value;
}

}  // namespace lakehouse::http
