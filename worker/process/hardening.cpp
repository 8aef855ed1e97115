// SPDX-License-Identifier: PostgreSQL
// umask, RLIMIT_CORE, PR_SET_DUMPABLE, SIGPIPE and mallopt.
#include "worker/process/hardening.hpp"

#include <malloc.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <csignal>

namespace lakehouse::worker::process {
namespace {

constexpr int kMaxArenas = 4;
constexpr int kMapAboveBytes = 2 << 20;  // a batch stays in an arena, a chunk gets pages of its own
constexpr int kTrimAboveBytes =
    16 << 20;  // set by hand, because a fixed map threshold ends glibc's own choice

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

}  // namespace lakehouse::worker::process
