// SPDX-License-Identifier: PostgreSQL
// The worker's process as the launcher sees it: started with a pipe as its standard input, reaped,
// stopped. The pipe is also the life-line: when the launcher is gone, whatever way, the worker
// reads its end and stops. Plain regime: no C++ object with a destructor, no allocation after fork.
#pragma once

#include <sys/types.h>

#include <cstddef>

namespace lakehouse::launcher {

struct Process {
  pid_t pid = 0;       // 0: none
  int life_line = -1;  // write end of the pipe
};

// Forks and executes `path serve`, then writes `config` to its standard input. `error` is errno if
// false.
bool start_process(Process& process, const char* path, const char* config, std::size_t config_bytes,
                   int& error);

// True if the process has ended; `status` is what waitpid said.
bool has_ended(Process& process, int& status);

// Asks it to stop (end of the life-line, SIGTERM).
void request_stop(Process& process);

// Asks it to read its master keys again (SIGHUP).
void request_reload(Process& process);

void kill_now(Process& process);

}  // namespace lakehouse::launcher
