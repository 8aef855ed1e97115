// SPDX-License-Identifier: PostgreSQL
// fork and execve without a shell. Between the two only async-signal-safe calls are made, because
// the parent has threads.
#include "core/vault/key_command.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "core/base/context.hpp"
#include "core/base/file_descriptor.hpp"

namespace lakehouse::vault {
namespace {

constexpr int kExecFailed = 127;  // as a shell reports it

Error failed(const std::string& program, std::string detail) {
  return {ErrorCode::kUnauthenticated, "master key command \"" + program + "\" failed",
          std::move(detail),
          "Run the command as the user of the worker: it must print key lines within 5 seconds."};
}

std::string system_says() { return std::string("The system says: ") + std::strerror(errno) + "."; }

// A program under way. Dying kills it with all it started, and collects it.
class Child {
 public:
  Child(pid_t id, FileDescriptor handle) : id_(id), handle_(std::move(handle)) {}
  ~Child() {
    if (id_ <= 0) return;
    kill(-id_, SIGKILL);
    collect(nullptr);
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  // The status as waitpid gives it, or nothing if the deadline came first.
  std::optional<int> wait(const Deadline& deadline) {
    pollfd ending{handle_.get(), POLLIN, 0};
    for (;;) {
      const auto left = deadline.left(std::chrono::minutes(1));
      const int count = poll(&ending, 1, static_cast<int>(left.count()));
      if (count > 0) break;
      if (count == 0 || errno != EINTR) return std::nullopt;
    }
    int status = 0;
    collect(&status);
    return status;
  }

 private:
  void collect(int* status) noexcept {
    while (waitpid(id_, status, 0) < 0 && errno == EINTR) continue;
    id_ = -1;
  }

  pid_t id_;
  FileDescriptor handle_;
};

[[noreturn]] void become_program(char* const* arguments, int output, int null_device) {
  sigset_t none;
  sigemptyset(&none);
  const bool is_ready = setpgid(0, 0) == 0 && dup2(null_device, STDIN_FILENO) >= 0 &&
                        dup2(output, STDOUT_FILENO) >= 0 && dup2(null_device, STDERR_FILENO) >= 0 &&
                        close_range(STDERR_FILENO + 1, ~0U, 0) == 0 &&
                        sigprocmask(SIG_SETMASK, &none, nullptr) == 0;
  signal(SIGPIPE, SIG_DFL);  // an ignored signal would stay ignored in the program
  if (is_ready) execve(arguments[0], arguments, environ);
  _exit(kExecFailed);
}

// The child's id; its output can be read from `output`. -1 on failure.
pid_t spawn(const std::vector<std::string>& command, FileDescriptor& output) {
  std::vector<char*> arguments;
  for (const std::string& argument : command) {
    arguments.push_back(const_cast<char*>(argument.c_str()));
  }
  arguments.push_back(nullptr);
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return -1;
  output = FileDescriptor(ends[0]);
  const FileDescriptor writing(ends[1]);
  const FileDescriptor null_device(open("/dev/null", O_RDWR | O_CLOEXEC));
  if (!null_device.is_open()) return -1;
  const pid_t id = fork();
  if (id == 0) become_program(arguments.data(), writing.get(), null_device.get());
  if (id > 0) setpgid(id, id);  // both sides do it, so that it is done before either goes on
  return id;
}

// By number: glibc 2.36 declares its wrapper for C only.
int open_handle(pid_t id) { return static_cast<int>(syscall(SYS_pidfd_open, id, 0)); }

enum class Ending { kEndOfOutput, kTooLong, kTooLate, kFailed };

Ending read_output(const FileDescriptor& output, const Deadline& deadline,
                   std::span<unsigned char> memory, std::size_t& size) {
  pollfd readable{output.get(), POLLIN, 0};
  while (size < memory.size()) {
    const auto left = deadline.left(std::chrono::minutes(1));
    const int count = poll(&readable, 1, static_cast<int>(left.count()));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return Ending::kFailed;
    if (count == 0) return Ending::kTooLate;
    const ssize_t got = read(output.get(), memory.data() + size, memory.size() - size);
    if (got < 0) return Ending::kFailed;
    if (got == 0) return Ending::kEndOfOutput;
    size += static_cast<std::size_t>(got);
  }
  return Ending::kTooLong;
}

std::string describe_status(int status) {
  if (WIFSIGNALED(status))
    return "It was ended by signal " + std::to_string(WTERMSIG(status)) + ".";
  if (WEXITSTATUS(status) == kExecFailed) return "It could not be started.";
  return "Its exit status was " + std::to_string(WEXITSTATUS(status)) + ".";
}

}  // namespace

Result<KeyRing> run_key_command(const std::vector<std::string>& command,
                                std::chrono::milliseconds time_limit) {
  if (command.empty() || !command[0].starts_with('/')) {
    return failed(command.empty() ? "" : command[0], "Its path is not absolute.");
  }
  const std::string& program = command[0];
  const auto memory = LockedMemory::allocate(kMaxCommandOutputBytes + 1);
  if (!memory) return memory.error();
  const auto room = memory->bytes().first(kMaxCommandOutputBytes + 1);

  const Deadline deadline = Deadline::in(time_limit);
  FileDescriptor output;
  const pid_t id = spawn(command, output);
  if (id < 0) return failed(program, system_says());
  Child child(id, FileDescriptor(open_handle(id)));
  std::size_t size = 0;
  switch (read_output(output, deadline, room, size)) {
    case Ending::kTooLong:
      return failed(program, "It printed more than 4096 bytes.");
    case Ending::kTooLate:
      return failed(program, "It did not finish in time.");
    case Ending::kFailed:
      return failed(program, system_says());
    case Ending::kEndOfOutput:
      break;
  }
  const auto status = child.wait(deadline);
  if (!status) return failed(program, "It did not finish in time.");
  if (*status != 0) return failed(program, describe_status(*status));
  auto ring = KeyRing::parse({reinterpret_cast<const char*>(room.data()), size});
  if (ring || ring.error().code != ErrorCode::kUnauthenticated) return ring;
  return failed(program, ring.error().detail.empty() ? "It printed no key." : ring.error().detail);
}

}  // namespace lakehouse::vault
