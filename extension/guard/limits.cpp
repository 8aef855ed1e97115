// SPDX-License-Identifier: PostgreSQL
// A ceiling of the operating system's makes a hungry query fail by itself, with "out of memory",
// before the kernel would kill some process of its own choice and take the whole server down.
#include "extension/guard/limits.hpp"

#include <sys/resource.h>

#include <cstdio>

#include "extension/postgres/prelude.hpp"
#include "extension/settings.hpp"

namespace lakehouse::guard {
namespace {

constexpr rlim_t kPageBytes = 4096;

// What the process has mapped by now, shared memory and libraries included.
rlim_t mapped_bytes() {
  unsigned long pages = 0;
  FILE* file = AllocateFile("/proc/self/statm", "r");
  if (file == nullptr) return 0;
  if (std::fscanf(file, "%lu", &pages) != 1) pages = 0;
  FreeFile(file);
  return pages * kPageBytes;
}

void limit_memory() {
  // Process-wide by nature: so is the limit.
  static bool is_limited;
  if (is_limited || settings::agent_memory_kilobytes == 0) return;
  const rlim_t mapped = mapped_bytes();
  rlimit limit{};
  if (mapped == 0 || getrlimit(RLIMIT_AS, &limit) != 0) return;
  limit.rlim_cur = mapped + static_cast<rlim_t>(settings::agent_memory_kilobytes) * 1024;
  if (limit.rlim_max != RLIM_INFINITY && limit.rlim_cur > limit.rlim_max)
    limit.rlim_cur = limit.rlim_max;
  if (setrlimit(RLIMIT_AS, &limit) != 0)
    ereport(ERROR, (errcode_for_file_access(),
                    errmsg("memory of an agent's session can't be limited: %m")));
  is_limited = true;
}

// statement_timeout is the user's to set; this is not.
void limit_time() {
  if (settings::agent_statement_timeout == 0) return;
  const TimestampTz end = TimestampTzPlusMilliseconds(GetCurrentStatementStartTimestamp(),
                                                      settings::agent_statement_timeout);
  if (get_timeout_active(STATEMENT_TIMEOUT) && get_timeout_finish_time(STATEMENT_TIMEOUT) <= end)
    return;
  disable_timeout(STATEMENT_TIMEOUT, false);
  enable_timeout_at(STATEMENT_TIMEOUT, end);
}

}  // namespace

void apply_agent_limits() {
  limit_memory();
  limit_time();
}

}  // namespace lakehouse::guard
