// SPDX-License-Identifier: PostgreSQL
// SharedRuns: equal reads that are asked for while one of them runs get its outcome. Nothing is
// kept beyond the run.
#pragma once

#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>

#include "core/base/context.hpp"
#include "core/base/result.hpp"
#include "worker/tools/invocation.hpp"

namespace lakehouse::worker::tools {

class SharedRuns {
 public:
  using Run = std::function<Result<Outcome>(const Context&)>;

  // The first with a key runs, on its own thread; it goes on as long as anybody waits for it, also
  // if its own client has gone.
  Result<Outcome> run(const std::string& key, const Run& run, const Context& context);

  // How many wait for the run with this key, who runs it included; 0: there is none.
  int waiting_for(const std::string& key);

 private:
  struct Shared {
    int waiting = 1;
    std::optional<Result<Outcome>> outcome;
    std::stop_source stop;
  };
  using SharedPointer = std::shared_ptr<Shared>;

  Result<Outcome> lead(const std::string& key, const SharedPointer& shared, const Run& run,
                       const Context& context);
  Result<Outcome> follow(const std::string& key, const SharedPointer& shared,
                         const Context& context);
  void leave(const std::string& key, const SharedPointer& shared);

  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::map<std::string, SharedPointer> running_;
};

}  // namespace lakehouse::worker::tools
