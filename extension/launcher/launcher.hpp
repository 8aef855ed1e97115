// SPDX-License-Identifier: PostgreSQL
// The background worker that starts lakehouse-worker, watches it, and ends it with the server.
#pragma once

namespace lakehouse::launcher {

// Called from _PG_init while the server starts.
void register_background_worker();

}  // namespace lakehouse::launcher
