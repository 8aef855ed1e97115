// SPDX-License-Identifier: PostgreSQL
// fork, exec, pipe, waitpid.
#include "extension/launcher/process.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

namespace lakehouse::launcher {
namespace {

constexpr int kExecFailed = 127;  // as a shell reports it

// In the child, between fork and exec: async-signal-safe calls only.
[[noreturn]] void become_worker(const char* path, int standard_input) {
  for (int number = 1; number < NSIG; ++number) signal(number, SIG_DFL);
  signal(SIGHUP, SIG_IGN);  // until it takes signals itself: one may be on its way already
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  setsid();  // a Ctrl-C at the server's terminal is the server's to handle
  dup2(standard_input, STDIN_FILENO);
  dup2(STDERR_FILENO, STDOUT_FILENO);
  const long most = sysconf(_SC_OPEN_MAX);
  for (int descriptor = STDERR_FILENO + 1; descriptor < (most > 0 && most < 65536 ? most : 65536);
       ++descriptor) {
    close(descriptor);  // data files, sockets and shared memory of the server are not the worker's
  }
  char name[] = "lakehouse-worker";
  char command[] = "serve";
  char* const arguments[] = {name, command, nullptr};
  execv(path, arguments);
  _exit(kExecFailed);
}

bool write_all(int descriptor, const char* bytes, std::size_t count) {
  while (count > 0) {
    const ssize_t written = write(descriptor, bytes, count);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    bytes += written;
    count -= static_cast<std::size_t>(written);
  }
  return true;
}

}  // namespace

bool start_process(Process& process, const char* path, const char* config, std::size_t config_bytes,
                   int& error) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) {
    error = errno;
    return false;
  }
  const pid_t pid = fork();
  if (pid == 0) become_worker(path, ends[0]);
  error = errno;
  close(ends[0]);
  if (pid < 0) {
    close(ends[1]);
    return false;
  }
  process = {pid, ends[1]};
  write_all(process.life_line, config,
            config_bytes);  // a worker that died at once is for has_ended() to tell
  return true;
}

bool has_ended(Process& process, int& status) {
  if (process.pid == 0 || waitpid(process.pid, &status, WNOHANG) != process.pid) return false;
  if (process.life_line >= 0) close(process.life_line);
  process = {};
  return true;
}

void request_stop(Process& process) {
  if (process.life_line >= 0) close(process.life_line);
  process.life_line = -1;
  if (process.pid != 0) kill(process.pid, SIGTERM);
}

void request_reload(Process& process) {
  if (process.pid != 0) kill(process.pid, SIGHUP);
}

void kill_now(Process& process) {
  if (process.pid != 0) kill(process.pid, SIGKILL);
}

}  // namespace lakehouse::launcher
