// SPDX-License-Identifier: PostgreSQL
// A ceiling of the operating system's makes a hungry query fail by itself, with "out of memory",
// before the kernel would kill some process of its own choice and take the whole server down.
#include "extension/guard/limits.hpp"

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include "extension/guard/identity.hpp"
#include "extension/postgres/prelude.hpp"
#include "extension/settings.hpp"

namespace lakehouse::guard {
namespace {

constexpr rlim_t kPageBytes = 4096;

// To parse and analyse a statement. PostgreSQL can't be interrupted there, and x BETWEEN and x IN
// double x each time they are nested: what ends that in time is the end of the memory.
constexpr rlim_t kAnalysisBytes = 64 << 20;

// Process-wide by nature: so is the limit.
rlim_t ceiling;  // 0: no agent has been here
bool is_raised;  // to the ceiling
bool has_begun;

// What the process has mapped by now, shared memory and libraries included. Raises nothing.
rlim_t mapped_bytes() {
  char text[32];
  const int file = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
  if (file < 0) return 0;
  const ssize_t size = read(file, text, sizeof(text) - 1);
  (void)close(file);
  if (size <= 0) return 0;
  text[size] = '\0';
  return std::strtoul(text, nullptr, 10) * kPageBytes;
}

bool set_limit(rlim_t bytes) {
  rlimit limit{};
  if (getrlimit(RLIMIT_AS, &limit) != 0) return false;
  limit.rlim_cur =
      limit.rlim_max != RLIM_INFINITY && bytes > limit.rlim_max ? limit.rlim_max : bytes;
  return setrlimit(RLIMIT_AS, &limit) == 0;
}

bool limit_analysis(rlim_t mapped) { return set_limit(std::min(mapped + kAnalysisBytes, ceiling)); }

void limit_memory() {
  if (ceiling != 0 || settings::agent_memory_kilobytes == 0) return;
  const rlim_t mapped = mapped_bytes();
  if (mapped == 0) return;
  ceiling = mapped + static_cast<rlim_t>(settings::agent_memory_kilobytes) * 1024;
  if (limit_analysis(mapped)) return;
  ceiling = 0;
  ereport(ERROR,
          (errcode_for_file_access(), errmsg("memory of an agent's session can't be limited: %m")));
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

void begin_session() {
  if (has_begun || MyBackendType != B_BACKEND) return;
  has_begun = true;
  MemoryContext caller = CurrentMemoryContext;
  StartTransactionCommand();
  if (current_strength() == Strength::kAgent) limit_memory();
  CommitTransactionCommand();
  MemoryContextSwitchTo(caller);
}

void apply_agent_limits() {
  limit_memory();
  limit_time();
}

void allow_execution_memory() {
  if (ceiling != 0 && !is_raised) is_raised = set_limit(ceiling);
}

void expect_analysis() noexcept {
  if (!is_raised) return;
  const rlim_t mapped = mapped_bytes();
  is_raised = mapped == 0 || !limit_analysis(mapped);
}

}  // namespace lakehouse::guard
