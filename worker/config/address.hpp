// SPDX-License-Identifier: PostgreSQL
// A TCP address to listen on, as the setting lakehouse.listen writes it: 127.0.0.1:8720,
// [::1]:8720, *:8720.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/base/result.hpp"

namespace lakehouse::worker::config {

struct Address {
  std::string ip;  // numeric: no name is ever resolved for listening
  std::uint16_t port = 0;
};

// Errors: kInvalidArgument. "localhost" is 127.0.0.1 and "*" every IPv4 address; port 0 lets the
// system choose.
Result<Address> parse_address(std::string_view text);

// The same form back: brackets around IPv6.
std::string to_text(const Address& address);

}  // namespace lakehouse::worker::config
