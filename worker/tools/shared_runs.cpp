// SPDX-License-Identifier: PostgreSQL
// One lock for all runs: it is held for moments, never while something runs.
#include "worker/tools/shared_runs.hpp"

#include "core/base/scope_exit.hpp"

namespace lakehouse::worker::tools {

Result<Outcome> SharedRuns::run(const std::string& key, const Run& run, const Context& context) {
  SharedPointer shared;
  bool is_first = false;
  {
    const std::scoped_lock lock(mutex_);
    SharedPointer& place = running_[key];
    is_first = !place;
    if (is_first) {
      place = std::make_shared<Shared>();
    } else {
      ++place->waiting;
    }
    shared = place;
  }
  return is_first ? lead(key, shared, run, context) : follow(key, shared, context);
}

int SharedRuns::waiting_for(const std::string& key) {
  const std::scoped_lock lock(mutex_);
  const auto found = running_.find(key);
  return found == running_.end() ? 0 : found->second->waiting;
}

Result<Outcome> SharedRuns::lead(const std::string& key, const SharedPointer& shared,
                                 const Run& run, const Context& context) {
  Result<Outcome> outcome = Error{ErrorCode::kOutOfMemory, "out of memory", "", ""};
  const ScopeExit publish([&]() noexcept {
    {
      const std::scoped_lock lock(mutex_);
      const auto found = running_.find(key);
      if (found != running_.end() && found->second == shared) running_.erase(found);
      shared->outcome = outcome;
    }
    changed_.notify_all();
  });
  const std::stop_callback gone(context.stop, [&] { leave(key, shared); });
  outcome = run({context.deadline, shared->stop.get_token(), context.request_id});
  return outcome;
}

Result<Outcome> SharedRuns::follow(const std::string& key, const SharedPointer& shared,
                                   const Context& context) {
  std::unique_lock lock(mutex_);
  const auto has_ended = [&] { return shared->outcome.has_value(); };
  if (context.deadline.is_never()) {
    changed_.wait(lock, context.stop, has_ended);
  } else {
    changed_.wait_until(lock, context.stop, context.deadline.at(), has_ended);
  }
  if (has_ended()) return *shared->outcome;
  lock.unlock();
  leave(key, shared);
  if (context.stop.stop_requested()) return cancelled_error();
  return Error{ErrorCode::kTimeout, "timeout while waiting for an equal call", "", ""};
}

// The last one ends the run; from then on nobody joins it.
void SharedRuns::leave(const std::string& key, const SharedPointer& shared) {
  {
    const std::scoped_lock lock(mutex_);
    if (--shared->waiting > 0) return;
    const auto found = running_.find(key);
    if (found != running_.end() && found->second == shared) running_.erase(found);
  }
  shared->stop.request_stop();
}

}  // namespace lakehouse::worker::tools
