// SPDX-License-Identifier: PostgreSQL
// Which network addresses belong to the open internet. Follows the IANA special-purpose registries
// (RFC 6890); an address is private unless it is surely public.
#pragma once

#include <sys/socket.h>

namespace lakehouse::http {

// False for loopback, private, shared, link-local, unique-local, mapped, tunnelled, multicast,
// reserved and metadata addresses, and for any family but IPv4 and IPv6.
bool is_public_address(const sockaddr& address) noexcept;

}  // namespace lakehouse::http
