// SPDX-License-Identifier: PostgreSQL
// One call of the client's user, from start() to its callback: any number of attempts and
// redirects.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <stop_token>
#include <utility>

#include "core/http/client.hpp"
#include "core/http/transfer.hpp"
#include "core/http/url.hpp"

namespace lakehouse::http {

using CallId = std::uint64_t;
using Timers = std::multimap<Deadline::Clock::time_point, CallId>;

// The transfers under way to one origin, and the calls that wait until there are fewer.
struct Lane {
  long running = 0;
  std::deque<CallId> waiting;
};

struct Call {
  Call(CallId id_, Request request_, Context context_, Client::Callback done_, Url url_)
      : id(id_),
        request(std::move(request_)),
        context(std::move(context_)),
        done(std::move(done_)),
        url(std::move(url_)) {}
  ~Call() {
    // Only if memory ran out on the way: a call never dies without an answer.
    if (done) end(Error{ErrorCode::kOutOfMemory, "out of memory", "", ""});
    Secret::wipe(request.body);  // it may hold credentials
  }
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;

  void end(Result<Response> result) {
    on_stop.reset();  // waits for a stop callback that is running on another thread
    std::exchange(done, nullptr)(std::move(result));
  }

  CallId id;
  Request request;  // as the next attempt sends it: redirects change it
  Context context;
  Client::Callback done;
  Url url;
  int attempts = 0;
  int redirects = 0;
  Timers::iterator timer;  // always one per call under way
  std::unique_ptr<Transfer>
      transfer;          // absent while it waits: in its lane, or for its next attempt
  Lane* lane = nullptr;  // of the transfer
  std::optional<std::stop_callback<std::function<void()>>> on_stop;
};

}  // namespace lakehouse::http
