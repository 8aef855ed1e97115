// SPDX-License-Identifier: PostgreSQL
// Numbers are compared as digits, so that 64 bits and decimals keep all of theirs.
#include "worker/sharing/literal.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>
#include <string>

#include "worker/sharing/timestamp.hpp"

namespace lakehouse::worker::sharing {
namespace {

// More digits than any type of ours has.
constexpr std::int64_t kMostExponent = 400;
constexpr std::size_t kMostDigits = 400;
// Wider than the rounding of a float that was written as the shortest text that reads back as it.
constexpr double kFloatDoubt = 1e-6;
constexpr double kDoubleDoubt = 1e-15;

// 0.digits times ten to the exponent, without zeros at either end; no digit: zero.
struct Number {
  bool is_negative = false;
  std::string digits;
  std::int64_t exponent = 0;
};

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// Takes digits and a point off the front of `rest`; false if there is no digit.
bool read_digits(std::string_view& rest, Number& number) {
  bool has_point = false, has_digit = false;
  for (; !rest.empty(); rest.remove_prefix(1)) {
    const char c = rest.front();
    if (c == '.' && !has_point) {
      has_point = true;
    } else if (is_digit(c)) {
      has_digit = true;
      if (!has_point && (c != '0' || !number.digits.empty())) ++number.exponent;
      if (has_point && c == '0' && number.digits.empty()) --number.exponent;
      if (c != '0' || !number.digits.empty()) number.digits += c;
    } else {
      break;
    }
  }
  return has_digit && number.digits.size() <= kMostDigits;
}

std::optional<Number> read_number(std::string_view text) {
  Number number;
  if (text.starts_with('-') || text.starts_with('+')) {
    number.is_negative = text.front() == '-';
    text.remove_prefix(1);
  }
  if (!read_digits(text, number)) return std::nullopt;
  if (text.starts_with('e') || text.starts_with('E')) {
    text.remove_prefix(text.starts_with("e+") || text.starts_with("E+") ? 2 : 1);
    std::int64_t exponent = 0;
    const auto [end, problem] = std::from_chars(text.begin(), text.end(), exponent);
    if (problem != std::errc() || std::abs(exponent) > kMostExponent) return std::nullopt;
    number.exponent += exponent;
    text.remove_prefix(static_cast<std::size_t>(end - text.begin()));
  }
  if (!text.empty()) return std::nullopt;
  number.digits.erase(number.digits.find_last_not_of('0') + 1);
  if (number.digits.empty()) return Number{};
  return number;
}

std::strong_ordering compare_sizes(const Number& left, const Number& right) {
  if (left.digits.empty() || right.digits.empty()) {
    return left.digits.size() <=> right.digits.size();
  }
  if (left.exponent != right.exponent) return left.exponent <=> right.exponent;
  return left.digits <=> right.digits;
}

std::partial_ordering compare_reals(std::string_view left, std::string_view right, double doubt) {
  double a = 0, b = 0;
  const auto first = std::from_chars(left.begin(), left.end(), a);
  const auto second = std::from_chars(right.begin(), right.end(), b);
  if (first.ec != std::errc() || first.ptr != left.end()) return std::partial_ordering::unordered;
  if (second.ec != std::errc() || second.ptr != right.end()) {
    return std::partial_ordering::unordered;
  }
  if (std::abs(a - b) <= doubt * std::max(std::abs(a), std::abs(b))) {
    return std::partial_ordering::unordered;
  }
  return a <=> b;
}

bool is_date(std::string_view text) {
  return text.size() == 10 && text[4] == '-' && text[7] == '-' &&
         parse_timestamp(std::string(text) + "T00:00:00Z").has_value();
}

std::partial_ordering compare_times(std::string_view left, std::string_view right) {
  const auto a = parse_timestamp(left), b = parse_timestamp(right);
  if (!a || !b) return std::partial_ordering::unordered;
  return *a <=> *b;
}

}  // namespace

std::partial_ordering compare_numbers(std::string_view left, std::string_view right) {
  const auto a = read_number(left), b = read_number(right);
  if (!a || !b) return std::partial_ordering::unordered;
  if (a->is_negative != b->is_negative) {
    return a->is_negative ? std::partial_ordering::less : std::partial_ordering::greater;
  }
  return a->is_negative ? compare_sizes(*b, *a) : compare_sizes(*a, *b);
}

std::partial_ordering compare(std::string_view type, std::string_view literal,
                              std::string_view bound) {
  if (type == "string") return literal <=> bound;
  if (type == "float") return compare_reals(literal, bound, kFloatDoubt);
  if (type == "double") return compare_reals(literal, bound, kDoubleDoubt);
  if (type == "short" || type == "integer" || type == "long" || type.starts_with("decimal")) {
    return compare_numbers(literal, bound);
  }
  if (type == "date" && is_date(literal) && is_date(bound)) return literal <=> bound;
  if (type == "timestamp") return compare_times(literal, bound);
  return std::partial_ordering::unordered;
}

}  // namespace lakehouse::worker::sharing
