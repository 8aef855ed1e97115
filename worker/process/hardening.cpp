// SPDX-License-Identifier: PostgreSQL
// umask, RLIMIT_CORE, RLIMIT_NOFILE, PR_SET_DUMPABLE, SIGPIPE and mallopt.
#include "worker/process/hardening.hpp"

#include <malloc.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <algorithm>
#include <csignal>

namespace lakehouse::worker::process {
namespace {

constexpr int kMaxArenas = 4;
constexpr int kMapAboveBytes = 2 << 20;  // a batch stays in an arena, a chunk gets pages of its own
constexpr int kTrimAboveBytes =
    16 << 20;  // set by hand, because a fixed map threshold ends glibc's own choice

// The HTTP server's connections, and room for scans, warehouses and the database beside them.
constexpr rlim_t kWantedDescriptors = 8192;

}  // namespace

Status harden() {
  ::umask(S_IRWXG | S_IRWXO);
  const rlimit no_core{0, 0};
  if (::setrlimit(RLIMIT_CORE, &no_core) != 0 || ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) {
    return Error{ErrorCode::kInternal, "could not forbid core dumps", "", ""};
  }
  if (std::signal(SIGPIPE, SIG_IGN) == SIG_ERR) {
    return Error{ErrorCode::kInternal, "could not ignore SIGPIPE", "", ""};
  }
  return kDone;
}

void tune_allocator() {
  ::mallopt(M_ARENA_MAX, kMaxArenas);
  ::mallopt(M_MMAP_THRESHOLD, kMapAboveBytes);
  ::mallopt(M_TRIM_THRESHOLD, kTrimAboveBytes);
}

void raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = std::max(limit.rlim_cur, std::min(limit.rlim_max, kWantedDescriptors));
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

}  // namespace lakehouse::worker::process
