// SPDX-License-Identifier: PostgreSQL
// Preconditions in the order of RFC 9110, section 13.2.2; then the range.
#include "worker/http/range.hpp"

#include <algorithm>
#include <limits>
#include <optional>
#include <string>

namespace lakehouse::worker::http {
namespace {

constexpr std::string_view kUnit = "bytes=";
constexpr std::string_view kBlanks = " \t";

std::string_view trimmed(std::string_view text) {
  text.remove_prefix(std::min(text.find_first_not_of(kBlanks), text.size()));
  return text.substr(0, text.find_last_not_of(kBlanks) + 1);
}

// ---- entity tags

enum class Comparison : std::uint8_t { kStrong, kWeak };

// Whether a list of entity tags has this one. What follows something malformed is not read.
bool has_tag(std::string_view list, std::string_view etag, Comparison comparison) {
  if (trimmed(list) == "*") return true;
  while (true) {
    list.remove_prefix(std::min(list.find_first_not_of(" \t,"), list.size()));
    const bool is_weak = list.starts_with("W/");
    if (is_weak) list.remove_prefix(2);
    if (!list.starts_with('"')) return false;
    const std::size_t end = list.find('"', 1);
    if (end == std::string_view::npos) return false;
    const bool is_comparable = !is_weak || comparison == Comparison::kWeak;
    if (is_comparable && list.substr(1, end - 1) == etag) return true;
    list.remove_prefix(end + 1);
  }
}

// Of a list that may be spread over several fields. Nothing if there is no such field.
std::optional<bool> is_listed(const Request& request, std::string_view name, std::string_view etag,
                              Comparison comparison) {
  std::optional<bool> is_found;
  for (const Header& header : request.headers) {
    if (header.name != name) continue;
    is_found = is_found.value_or(false) || has_tag(header.value, etag, comparison);
  }
  return is_found;
}

// ---- range

// first-last, first- or -last; in the third, `last` is a number of bytes at the end.
struct Positions {
  std::optional<std::uint64_t> first, last;
};

// A position that no integer holds is behind the end of every file.
std::optional<std::uint64_t> parse_position(std::string_view digits) {
  constexpr std::uint64_t kMost = std::numeric_limits<std::uint64_t>::max();
  if (digits.empty()) return std::nullopt;
  std::uint64_t position = 0;
  for (const char c : digits) {
    if (c < '0' || c > '9') return std::nullopt;
    const auto digit = static_cast<std::uint64_t>(c - '0');
    position = position > (kMost - digit) / 10 ? kMost : position * 10 + digit;
  }
  return position;
}

std::optional<Positions> parse_range(std::string_view range) {
  const std::size_t hyphen = range.find('-');
  if (hyphen == std::string_view::npos) return std::nullopt;
  const std::string_view before = range.substr(0, hyphen);
  const std::string_view after = range.substr(hyphen + 1);
  const Positions positions{parse_position(before), parse_position(after)};
  if (positions.first.has_value() == before.empty()) return std::nullopt;
  if (positions.last.has_value() == after.empty()) return std::nullopt;
  if (!positions.first && !positions.last) return std::nullopt;
  if (positions.first && positions.last && *positions.last < *positions.first) return std::nullopt;
  return positions;
}

// The only range of a set; empty elements of the list don't count (RFC 9110, section 5.6.1).
std::optional<Positions> parse_ranges(std::string_view value) {
  const bool has_unit = value.size() > kUnit.size() &&
                        std::equal(kUnit.begin(), kUnit.end(), value.begin(), [](char u, char c) {
                          return u == (c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c);
                        });
  if (!has_unit) return std::nullopt;
  std::string_view list = value.substr(kUnit.size());
  std::optional<Positions> only;
  while (!list.empty()) {
    const std::size_t comma = std::min(list.find(','), list.size());
    const std::string_view range = trimmed(list.substr(0, comma));
    list.remove_prefix(std::min(comma + 1, list.size()));
    if (range.empty()) continue;
    if (only) return std::nullopt;
    only = parse_range(range);
    if (!only) return std::nullopt;
  }
  return only;
}

// The value of a field that may come once; nothing if it doesn't.
std::optional<std::string_view> only_value(const Request& request, std::string_view name) {
  if (std::ranges::count(request.headers, name, &Header::name) != 1) return std::nullopt;
  return request.header(name);
}

std::optional<Positions> wanted_range(const Request& request, std::uint64_t size,
                                      const std::string& quoted_etag) {
  if (request.method != "GET") return std::nullopt;
  const auto value = only_value(request, "range");
  if (!value) return std::nullopt;
  const bool has_condition = std::ranges::count(request.headers, "if-range", &Header::name) > 0;
  if (has_condition && only_value(request, "if-range") != quoted_etag) return std::nullopt;
  const auto range = parse_ranges(*value);
  // The end of an empty file is satisfiable, but no Content-Range can say so.
  if (range && !range->first && size == 0 && *range->last > 0) return std::nullopt;
  return range;
}

// ---- answers

Part unsatisfiable(std::uint64_t size) {
  return {416,
          {{"Accept-Ranges", "bytes"}, {"Content-Range", "bytes */" + std::to_string(size)}},
          0,
          0};
}

Part partial(const Positions& range, std::uint64_t size, const std::string& quoted_etag) {
  Part part{206, {{"ETag", quoted_etag}, {"Accept-Ranges", "bytes"}}, 0, 0};
  if (range.first) {
    if (*range.first >= size) return unsatisfiable(size);
    part.offset = *range.first;
    part.length = std::min(range.last.value_or(size), size - 1) - part.offset + 1;
  } else {
    part.length = std::min(*range.last, size);
    if (part.length == 0) return unsatisfiable(size);
    part.offset = size - part.length;
  }
  part.headers.push_back({"Content-Range", "bytes " + std::to_string(part.offset) + "-" +
                                               std::to_string(part.offset + part.length - 1) + "/" +
                                               std::to_string(size)});
  return part;
}

}  // namespace

Part choose_part(const Request& request, std::uint64_t size, std::string_view etag) {
  if (!is_listed(request, "if-match", etag, Comparison::kStrong).value_or(true)) {
    return {412, {}, 0, 0};
  }
  const std::string quoted_etag = "\"" + std::string(etag) + "\"";
  if (is_listed(request, "if-none-match", etag, Comparison::kWeak).value_or(false)) {
    return {304, {{"ETag", quoted_etag}}, 0, 0};
  }
  if (const auto range = wanted_range(request, size, quoted_etag)) {
    return partial(*range, size, quoted_etag);
  }
  return {200, {{"ETag", quoted_etag}, {"Accept-Ranges", "bytes"}}, 0, size};
}

}  // namespace lakehouse::worker::http
