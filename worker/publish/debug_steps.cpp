// SPDX-License-Identifier: PostgreSQL
// Looks again and again: this is for tests only.
#include "worker/publish/debug_steps.hpp"

#include <fcntl.h>
#include <unistd.h>

#include "core/base/file_descriptor.hpp"
#include "worker/io/readiness.hpp"

namespace lakehouse::worker::publish {
namespace {

constexpr std::chrono::milliseconds kLook{5};

bool is_there(const std::string& path) { return ::access(path.c_str(), F_OK) == 0; }

}  // namespace

Status DebugSteps::reach(std::string_view step, const Context& context) const {
  if (directory_.empty()) return kDone;
  const std::string path = directory_ + '/' + std::string(step);
  if (!is_there(path)) return kDone;
  constexpr int kTouch = O_WRONLY | O_CREAT | O_CLOEXEC;
  const FileDescriptor reached(::open((path + ".reached").c_str(), kTouch, 0666));
  while (is_there(path)) {
    const Context look{context.deadline.sooner(Deadline::in(kLook)), context.stop, {}};
    const io::Readiness readiness = io::wait_until_ready(-1, 0, look);
    if (readiness == io::Readiness::kStopped) return cancelled_error();
    if (context.deadline.has_passed()) return io::wait_error(readiness, "publishing");
  }
  return kDone;
}

}  // namespace lakehouse::worker::publish
