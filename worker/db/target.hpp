// SPDX-License-Identifier: PostgreSQL
// Which database the worker works in, and as whom.
#pragma once

#include <cstdint>
#include <string>

#include "core/base/secret.hpp"

namespace lakehouse::worker::db {

struct Target {
  std::string host;  // name, address, or directory of the server's unix socket
  std::uint16_t port = 0;
  std::string database, user;
  Secret password;  // empty: the server is expected not to ask
};

}  // namespace lakehouse::worker::db
