// SPDX-License-Identifier: PostgreSQL
// What a request's Authorization header presents: a client's id and secret, or an access token.
// Nothing here is believed yet.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "worker/http/message.hpp"

namespace lakehouse::worker::oauth {

struct ClientCredentials {
  std::string id;
  std::optional<std::string> secret;
};
// RFC 6749, section 2.3.1. Nothing unless the header is Basic and well-formed.
std::optional<ClientCredentials> read_basic(std::string_view header);

// RFC 6750, section 2.1. A token in the query ends up in logs and referrers, so it is refused
// wherever else one is.
enum class Presence : std::uint8_t { kNone, kToken, kMalformed };
struct BearerToken {
  Presence presence = Presence::kNone;
  std::string_view token;  // of the request's header
};
BearerToken read_bearer(const http::Request& request);

}  // namespace lakehouse::worker::oauth
