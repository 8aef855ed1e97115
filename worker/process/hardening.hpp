// SPDX-License-Identifier: PostgreSQL
// What the process denies itself before it reads any secret, and how its allocator gives memory
// back.
#pragma once

#include "core/base/result.hpp"

namespace lakehouse::worker::process {

// No files for others, no core dump, no ptrace by the same user, no death by SIGPIPE. First step of
// main.
Status harden();

// Freed result chunks (tens of megabytes) go back to the system at once; few arenas, as most
// threads only wait.
void tune_allocator();

// Up to what the system allows: servers are often started with room for 1024 files only.
void raise_descriptor_limit();

}  // namespace lakehouse::worker::process
