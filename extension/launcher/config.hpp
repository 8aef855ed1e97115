// SPDX-License-Identifier: PostgreSQL
// What the launcher tells a worker: the settings, and a fresh password for the role it connects as.
#pragma once

#include <cstddef>

namespace lakehouse::launcher {

inline constexpr char kWorkerRole[] = "lakehouse_worker";

struct EncodedConfig {
  char* bytes = nullptr;  // palloc'd; holds the password: wipe it
  std::size_t size = 0;
};

// Sets a new random password (SCRAM) on the worker's role, in a transaction of its own, and encodes
// the frame.
EncodedConfig make_config(const char* database);

// A digest of the settings in the frame; another value means the worker must be restarted.
unsigned settings_fingerprint();

}  // namespace lakehouse::launcher
