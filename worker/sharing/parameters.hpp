// SPDX-License-Identifier: PostgreSQL
// Parameters of a request's query. A name counts whatever its case; of a repeated one the first.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "worker/http/form.hpp"
#include "worker/sharing/answer.hpp"

namespace lakehouse::worker::sharing {

class Parameters {
 public:
  // Refusal: a query that can't be read.
  static Or<Parameters> read(const http::Request& request);

  // Empty and missing are the same.
  std::optional<std::string_view> text(std::string_view name) const;
  // Refusal: no whole number from 0 on.
  Or<std::optional<std::int64_t>> number(std::string_view name) const;
  bool flag(std::string_view name) const;  // true, whatever its case

 private:
  explicit Parameters(http::Form form) : form_(std::move(form)) {}
  http::Form form_;
};

// Nothing unless it is a whole number from 0 on.
std::optional<std::int64_t> parse_count(std::string_view digits);
bool is_same_name(std::string_view left, std::string_view right);  // whatever the case of ASCII

}  // namespace lakehouse::worker::sharing
