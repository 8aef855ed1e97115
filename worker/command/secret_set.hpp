// SPDX-License-Identifier: PostgreSQL
// `lakehouse-worker secret set`: hands a secret to the running worker, which encrypts and stores
// it. The secret is never an argument, so that it shows in no process list, shell history or
// statement log.
#pragma once

#include <string>

#include "core/base/result.hpp"
#include "worker/process/signals.hpp"

namespace lakehouse::worker::command {

struct SecretTarget {
  std::string socket_directory;
  std::string tenant;      // slug
  std::string connection;  // name
};

// Returns the line to print: what was stored where, never the value.
Result<std::string> set_secret(const SecretTarget& target, int input,
                               const process::Signals& signals);

}  // namespace lakehouse::worker::command
