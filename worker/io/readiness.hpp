// SPDX-License-Identifier: PostgreSQL
// The one way this process waits for a descriptor: until it is ready, the deadline passes or a stop
// is asked for.
#pragma once

#include "core/base/context.hpp"

namespace lakehouse::worker::io {

enum class Readiness { kReady, kTimedOut, kStopped };

// `events` as poll(2) takes them. A broken or closed descriptor counts as ready: the next read or
// write says why. A stop ends the wait at once, and wins over readiness.
Readiness wait_until_ready(int fd, short events, const Context& context);

// The Error of a wait that did not end in kReady; `what` names the wait: "connecting to the
// database".
Error wait_error(Readiness readiness, const std::string& what);

}  // namespace lakehouse::worker::io
