// SPDX-License-Identifier: PostgreSQL
// Cookies of a request (RFC 6265, section 4.2).
#pragma once

#include <string_view>

#include "worker/http/message.hpp"

namespace lakehouse::worker::http {

// The value as sent; empty if there is none, or two that differ: then somebody else set one.
std::string_view cookie(const Request& request, std::string_view name);

}  // namespace lakehouse::worker::http
