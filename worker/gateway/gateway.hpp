// SPDX-License-Identifier: PostgreSQL
// Gateway: accepts backends and commands on the unix socket and runs a Session for each.
// Promises: bounded connections, bounded handshakes, no session outlives it.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "worker/gateway/listener.hpp"
#include "worker/gateway/session.hpp"

namespace lakehouse::worker::gateway {

class Gateway {
 public:
  struct Options {
    std::string socket_directory;
    std::size_t max_connections = 512;
    std::chrono::milliseconds handshake_time{5'000};
    std::chrono::milliseconds lock_time{5'000};  // how long to wait for an older worker to end
  };

  // Errors: as Listener::open. Waits for the lock may be stopped.
  static Result<std::unique_ptr<Gateway>> start(const Options& options, Services services,
                                                std::stop_token stop = {});
  ~Gateway();

  bool is_accepting() const noexcept { return is_accepting_.load(); }

  // No new connections; running requests are told that the worker shuts down. True if all ended in
  // time.
  bool stop(Deadline deadline);

 private:
  struct Running {
    std::unique_ptr<Session> session;
    std::thread thread;
  };
  using Place = std::list<Running>::iterator;

  Gateway(const Options& options, Services services, Listener listener);
  void accept_until(std::stop_token stop);
  void accept_one(const std::stop_token& stop);
  void admit(io::Descriptor connection);
  void refuse(io::Descriptor connection, const Error& error);
  void leave(Place place) noexcept;

  const Options options_;
  Services services_;
  Listener listener_;
  std::atomic<bool> is_accepting_ = true;
  std::uint64_t session_count_ = 0;  // of the accepting thread
  std::mutex mutex_;
  std::condition_variable emptied_;
  std::list<Running> running_;
  std::thread last_left_;  // each session that ends joins the one that ended before it
  std::jthread acceptor_;
};

}  // namespace lakehouse::worker::gateway
