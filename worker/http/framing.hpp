// SPDX-License-Identifier: PostgreSQL
// Framing: where a request ends must be the same for everybody who reads it (RFC 9112,
// sections 2.2, 5, 6 and 11.2). Stricter than the parser: what two readers may understand
// differently is refused.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/message.hpp>

#include "worker/http/message.hpp"

namespace lakehouse::worker::http {

// The head alone: bodies are read by body.hpp.
using BeastRequest = boost::beast::http::request<boost::beast::http::empty_body>;

// Of the bytes of a head, up to and with the empty line, before anything parses them: 400 for line
// ends other than CRLF, folded lines, control characters and other versions than 1.0 and 1.1; 414
// and 431 for too much of it.
std::optional<Response> refuse_head(std::string_view head);

// Of the parsed head, before the body is read: 400 where it says more than once, or in two ways,
// how long the body is or which host is meant; 417 for an unknown Expect.
std::optional<Response> refuse_framing(const BeastRequest& head);

// Of a head that refuse_framing() has passed; 0 if it has none, the largest number if it is larger.
std::uint64_t content_length(const BeastRequest& head);

}  // namespace lakehouse::worker::http
