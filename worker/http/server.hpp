// SPDX-License-Identifier: PostgreSQL
// Server: HTTP/1.1 (with TLS when certificate and key are given) on one address.
// One thread does all network I/O; handlers run on threads of their own. Everything is bounded:
// connections, header and body sizes, and the time of each phase of a connection.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "core/base/context.hpp"
#include "core/base/result.hpp"
#include "worker/config/address.hpp"
#include "worker/http/access.hpp"
#include "worker/http/router.hpp"
#include "worker/log/log.hpp"
#include "worker/metrics/counters.hpp"

namespace lakehouse::worker::http {

struct Limits {
  std::uint32_t header_bytes = 16U << 10U;
  std::uint64_t body_bytes = 1U << 20U;
  std::size_t connections = 1024;
  std::size_t connections_of_client = 256;  // of one address, so that it can't take all places
  std::size_t handler_threads = 32;         // they mostly wait for the database
  std::size_t probe_threads = 2;
  std::chrono::milliseconds handshake_time{10'000};  // TLS
  std::chrono::milliseconds idle_time{60'000};       // between two requests of a connection
  std::chrono::milliseconds header_time{10'000};     // from the first byte to the header's end
  std::chrono::milliseconds body_time{30'000};
  std::chrono::milliseconds handler_time{60'000};
  std::chrono::milliseconds write_time{30'000};       // of an answer, or a portion of a stream
  std::chrono::milliseconds keep_alive_time{15'000};  // between comments in a silent event stream
  std::chrono::milliseconds rebind_time{5'000};       // between attempts to take an address in use
};

struct ServerOptions {
  config::Address listen;
  std::string tls_certificate_file, tls_key_file;  // PEM; both or none
  AccessOptions access;
  std::vector<config::Network> uncapped_clients;  // connections_of_client does not hold for them
  Limits limits;
};

class Server {
 public:
  // An address in use is no error: it is logged, and tried again until it is free.
  // Errors: kInvalidArgument (unusable certificate or key).
  static Result<std::unique_ptr<Server>> start(ServerOptions options, Router router, log::Log& log,
                                               metrics::Counters& counters);
  virtual ~Server() = default;

  // Where it listens now; empty while the address is not to be had.
  virtual std::string address() const = 0;

  // New connections get what the files hold now; if that is unusable, what they held before.
  virtual Status reload_certificate() = 0;

  // No new connections; idle ones close; requests under way get their answer until the deadline.
  virtual void stop(Deadline deadline) = 0;
};

}  // namespace lakehouse::worker::http
