// SPDX-License-Identifier: PostgreSQL
// Signals as readable events. They are blocked before any thread exists, so that no handler ever
// runs. SIGTERM and SIGINT ask for a stop; SIGHUP asks for the master keys to be read again: all
// other configuration comes from the launcher.
#pragma once

#include <functional>

#include "core/base/result.hpp"
#include "worker/io/descriptor.hpp"

namespace lakehouse::worker::process {

class Signals {
 public:
  static Result<Signals> block();

  // Readable when a signal is pending.
  int fd() const noexcept { return fd_.get(); }
  struct Requests {
    bool is_stop = false;
    bool is_reload = false;
  };
  // Takes what is pending.
  Requests take() const;
  // Takes what is pending; true if one of it asks for a stop.
  bool take_stop_request() const { return take().is_stop; }

 private:
  explicit Signals(io::Descriptor fd) : fd_(std::move(fd)) {}
  io::Descriptor fd_;
};

enum class StopCause { kSignal, kInputClosed };

// Sleeps until a stop signal comes or `input` (the launcher's pipe) ends; what arrives on it is
// thrown away.
StopCause wait_for_stop(const Signals& signals, int input, const std::function<void()>& reload);

}  // namespace lakehouse::worker::process
