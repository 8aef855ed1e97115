// SPDX-License-Identifier: PostgreSQL
// Site: what all connections of the server share.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <map>
#include <mutex>
#include <stop_token>
#include <string>
#include <unordered_set>

#include <boost/asio/thread_pool.hpp>

#include "worker/http/access.hpp"
#include "worker/http/router.hpp"
#include "worker/http/server.hpp"

namespace lakehouse::worker::http {

class Connection;

struct Site {
  Site(Router served, Access admitted, Limits bounds, metrics::Counters& counted)
      : router(std::move(served)),
        access(std::move(admitted)),
        limits(bounds),
        counters(counted),
        handlers(bounds.handler_threads),
        probes(bounds.probe_threads) {}

  const Router router;
  const Access access;
  const Limits limits;
  metrics::Counters& counters;
  boost::asio::thread_pool handlers, probes;
  std::atomic<bool> is_draining = false;
  std::stop_source stop;  // of handlers that a drain did not see end
  std::atomic<std::uint64_t> request_count = 0;

  // The living connections, so that a stop can reach them, and how many each address has.
  std::mutex mutex;
  std::condition_variable emptied;
  std::unordered_set<Connection*> connections;
  std::map<std::string, std::size_t> connections_of;
};

}  // namespace lakehouse::worker::http
