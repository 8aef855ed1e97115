// SPDX-License-Identifier: PostgreSQL
// What a 3xx response does to a request (RFC 9110, 15.4). Nothing secret crosses to another origin:
// no credentials, no header but a few harmless ones, no body.
#pragma once

#include <optional>

#include "core/http/client.hpp"
#include "core/http/url.hpp"

namespace lakehouse::http {

// Where to go next, and `request` changed for it; nothing if the response is no redirect or one
// that is not followed. Error: kInvalidResponse for a malformed target. The caller checks the
// target against its UrlPolicy.
Result<std::optional<Url>> follow_redirect(const Response& response, const Url& from,
                                           Request& request);

}  // namespace lakehouse::http
