// SPDX-License-Identifier: PostgreSQL
// Where users are sent back to: which URIs a client may name, and when one is a registered one.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "worker/http/form.hpp"

namespace lakehouse::worker::oauth {

// What clients nobody looked at may register: https, or http on a loopback host; no fragment, no
// user info, no wildcard. An app's own scheme only an admin can register.
bool is_open_redirect_uri(std::string_view uri);

// Character by character; of a registered http URI on a loopback host the port does not count
// (RFC 8252, section 7.3), and localhost is one of them, since clients use it so.
bool is_registered(std::string_view uri, const std::vector<std::string>& registered);

// What a user reads of it: host and port, or the scheme of an app.
std::string shown_target(std::string_view uri);
// Its origin, or its scheme with a colon, for a Content-Security-Policy.
std::string source_of(std::string_view uri);

std::string with_parameters(std::string_view uri, const http::Form& parameters);

}  // namespace lakehouse::worker::oauth
