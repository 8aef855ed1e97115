// SPDX-License-Identifier: PostgreSQL
// DebugSteps: holds a publish at named steps, so that a test can kill the worker or fill the disk
// exactly there. Without the setting lakehouse.debug_publish_directory it does nothing.
#pragma once

#include <string>
#include <string_view>

#include "core/base/context.hpp"
#include "core/base/result.hpp"

namespace lakehouse::worker::publish {

class DebugSteps {
 public:
  explicit DebugSteps(std::string directory) : directory_(std::move(directory)) {}

  // If the directory has a file of the step's name: makes <step>.reached beside it and waits until
  // the file is gone. Errors: kCancelled, kTimeout.
  Status reach(std::string_view step, const Context& context) const;

 private:
  const std::string directory_;  // empty: none
};

}  // namespace lakehouse::worker::publish
