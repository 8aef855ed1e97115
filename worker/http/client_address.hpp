// SPDX-License-Identifier: PostgreSQL
// The address a request comes from: the connection's other end, or what a trusted proxy says in
// X-Forwarded-For.
#pragma once

#include <vector>

#include "worker/config/network.hpp"
#include "worker/http/message.hpp"

namespace lakehouse::worker::http {

// Each proxy appends the address it was asked from, so the list is read from its end: the first
// address that is not trusted is the client's. Whatever stands before it, the client may have
// written; so does what is no address, and then the last proxy counts.
config::IpAddress client_address(const Request& request, const config::IpAddress& peer,
                                 const std::vector<config::Network>& trusted_proxies);

}  // namespace lakehouse::worker::http
