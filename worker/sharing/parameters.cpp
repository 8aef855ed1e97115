// SPDX-License-Identifier: PostgreSQL
// Python's client writes True, Spark's true.
#include "worker/sharing/parameters.hpp"

#include <algorithm>
#include <charconv>

namespace lakehouse::worker::sharing {
namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

}  // namespace

bool is_same_name(std::string_view left, std::string_view right) {
  return std::ranges::equal(left, right, [](char a, char b) { return lower(a) == lower(b); });
}

std::optional<std::int64_t> parse_count(std::string_view digits) {
  std::int64_t number = 0;
  const auto [end, problem] = std::from_chars(digits.begin(), digits.end(), number);
  if (digits.empty() || digits.front() == '-') return std::nullopt;
  if (problem != std::errc() || end != digits.end()) return std::nullopt;
  return number;
}

Or<Parameters> Parameters::read(const http::Request& request) {
  auto form = http::Form::parse(request.query);
  if (!form) return malformed("the query of the URL can't be read");
  return Parameters(*std::move(form));
}

std::optional<std::string_view> Parameters::text(std::string_view name) const {
  for (const http::Form::Field& field : form_.fields()) {
    if (is_same_name(field.name, name) && !field.value.empty()) return field.value;
  }
  return std::nullopt;
}

Or<std::optional<std::int64_t>> Parameters::number(std::string_view name) const {
  const auto value = text(name);
  if (!value) return std::optional<std::int64_t>();
  const auto number = parse_count(*value);
  if (!number) return invalid_value(std::string(name) + " must be a whole number from 0 on");
  return number;
}

bool Parameters::flag(std::string_view name) const {
  const auto value = text(name);
  return value && is_same_name(*value, "true");
}

}  // namespace lakehouse::worker::sharing
