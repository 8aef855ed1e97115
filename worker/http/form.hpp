// SPDX-License-Identifier: PostgreSQL
// Form: fields in application/x-www-form-urlencoded (WHATWG URL, section 5), of a query or a body.
// Repeated names stay visible, because OAuth forbids them (RFC 6749, section 3.1).
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "worker/http/message.hpp"

namespace lakehouse::worker::http {

class Form {
 public:
  static constexpr std::size_t kMostFields = 256;

  struct Field {
    std::string name, value;
  };

  // Nothing if it has a malformed escape, text that is no UTF-8, control characters or too many
  // fields.
  static std::optional<Form> parse(std::string_view encoded);

  // The first value of a name; empty if there is none, which to OAuth is the same as an empty one.
  std::string_view value(std::string_view name) const;
  bool has(std::string_view name) const;
  // A name that stands there twice; empty if there is none.
  std::string_view repeated() const;

  const std::vector<Field>& fields() const noexcept { return fields_; }
  void add(std::string name, std::string value) {
    fields_.push_back({std::move(name), std::move(value)});
  }
  // Escaped for a query or a body, in the order of the fields.
  std::string encode() const;

 private:
  std::vector<Field> fields_;
};

// The form in the body; nothing if its Content-Type is another, or it can't be read.
std::optional<Form> read_form(const Request& request);

}  // namespace lakehouse::worker::http
