// SPDX-License-Identifier: PostgreSQL
// Answers of the sharing server: errors as {"errorCode","message"} with the codes of the reference
// server, JSON, and streams of lines. None may be stored. No message repeats a name: what may not
// be seen must not be confirmed.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "worker/http/message.hpp"

namespace lakehouse::worker::sharing {

// A value, or the answer that refuses the request.
template <typename T>
using Or = std::variant<T, http::Response>;

template <typename T>
http::Response* refusal_of(Or<T>& value) {
  return std::get_if<http::Response>(&value);
}

http::Response refusal(int status, std::string_view code, std::string_view message);
http::Response invalid_value(std::string_view message);  // 400 INVALID_PARAMETER_VALUE
http::Response malformed(std::string_view message);      // 400 MALFORMED_REQUEST
http::Response unsupported(std::string_view message);    // 400 UNSUPPORTED_OPERATION
http::Response not_found(std::string_view message);      // 404 RESOURCE_DOES_NOT_EXIST
http::Response forbidden(std::string_view message);      // 403 PERMISSION_DENIED
http::Response unauthenticated(bool has_token);          // 401, with the challenge of RFC 6750
http::Response limited(std::int64_t wait_ms);            // 429: clients try again
http::Response unavailable();  // 503: the database can't be asked; clients try again

// Of an error that no endpoint made: no such path, a body that is too large, a foreign host.
std::string error_body(const http::Problem& problem);

http::Response json(std::string body);
// No body: the header says it.
http::Response version_answer(std::int64_t version);
// `capabilities` is the value of the header that says what was granted.
http::Response lines_answer(std::string lines, std::int64_t version, std::string capabilities);

}  // namespace lakehouse::worker::sharing
