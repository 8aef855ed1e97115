// SPDX-License-Identifier: PostgreSQL
// Site: what all connections of the server share.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <stop_token>
#include <string>
#include <unordered_set>

#include <boost/asio/thread_pool.hpp>

#include "worker/http/router.hpp"
#include "worker/http/server.hpp"

namespace lakehouse::worker::http {

class Connection;

struct Site {
  Site(Router served, Limits bounds, metrics::Counters& counted)
      : router(std::move(served)),
        limits(bounds),
        counters(counted),
        handlers(bounds.handler_threads) {}

  const Router router;
  const Limits limits;
  metrics::Counters& counters;
  boost::asio::thread_pool handlers;
  std::atomic<bool> is_draining = false;
  std::stop_source stop;  // of handlers that a drain did not see end
  std::atomic<std::uint64_t> request_count = 0;

  // The living connections, so that a stop can reach them.
  std::mutex mutex;
  std::condition_variable emptied;
  std::unordered_set<Connection*> connections;
};

}  // namespace lakehouse::worker::http
