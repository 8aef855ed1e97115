// SPDX-License-Identifier: PostgreSQL
// A secret from standard input: a terminal is asked with echo off, anything else is read to its
// end.
#pragma once

#include <string_view>

#include "core/base/result.hpp"
#include "core/base/secret.hpp"
#include "worker/process/signals.hpp"

namespace lakehouse::worker::command {

// One newline at the end is taken off. `signals` may end the wait; the terminal is left as it was.
// Errors: kInvalidArgument (empty, or more than 64 KiB), kCancelled.
Result<Secret> read_secret(int input, std::string_view prompt, const process::Signals& signals);

}  // namespace lakehouse::worker::command
