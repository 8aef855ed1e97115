// SPDX-License-Identifier: PostgreSQL
// The accepting thread, and the table of running sessions.
#include "worker/gateway/gateway.hpp"

#include <poll.h>

#include <system_error>
#include <utility>

#include "core/wire/codec.hpp"
#include "worker/io/readiness.hpp"

namespace lakehouse::worker::gateway {
namespace {

constexpr std::chrono::milliseconds kPauseWithoutResources{100};
constexpr std::chrono::milliseconds kRefusalTime{100};

Error shutting_down_error() {
  return {ErrorCode::kWorkerNotRunning, "lakehouse worker is shutting down", "",
          "Run the statement again in a few seconds."};
}

Error too_many_error(std::size_t limit) {
  return {ErrorCode::kCapExceeded, "too many connections to the lakehouse worker",
          "It serves " + std::to_string(limit) + " at a time.", "Run the statement again later."};
}

}  // namespace

Result<std::unique_ptr<Gateway>> Gateway::start(const Options& options, Services services,
                                                std::stop_token stop) {
  auto listener = Listener::open(options.socket_directory,
                                 Context{Deadline::in(options.lock_time), std::move(stop), {}});
  if (!listener) return listener.error();
  std::unique_ptr<Gateway> gateway(new Gateway(options, services, *std::move(listener)));
  return gateway;
}

Gateway::Gateway(const Options& options, Services services, Listener listener)
    : options_(options), services_(services), listener_(std::move(listener)) {
  acceptor_ = std::jthread([this](std::stop_token stop) { accept_until(std::move(stop)); });
}

Gateway::~Gateway() {
  stop(Deadline::never());
  if (last_left_.joinable()) last_left_.join();
}

bool Gateway::stop(Deadline deadline) {
  is_accepting_ = false;
  acceptor_.request_stop();
  if (acceptor_.joinable()) acceptor_.join();
  listener_.close_socket();
  std::unique_lock lock(mutex_);
  for (Running& running : running_) running.session->stop(shutting_down_error());
  const auto is_empty = [this] { return running_.empty(); };
  if (!deadline.is_never()) return emptied_.wait_until(lock, deadline.at(), is_empty);
  emptied_.wait(lock, is_empty);
  return true;
}

void Gateway::accept_until(std::stop_token stop) {
  while (!stop.stop_requested()) {
    const Context waiting{Deadline::never(), stop, {}};
    if (io::wait_until_ready(listener_.fd(), POLLIN, waiting) != io::Readiness::kReady) continue;
    try {
      accept_one(stop);
    } catch (const std::exception& exception) {
      services_.log.write(LogLevel::kError, "could not serve a connection", {},
                          {{"error", std::string_view(exception.what())}});
    }
  }
}

void Gateway::accept_one(const std::stop_token& stop) {
  auto accepted = listener_.accept();
  if (!accepted) {
    services_.log.failure("could not accept a connection", accepted.error());
    io::wait_until_ready(-1, 0, Context{Deadline::in(kPauseWithoutResources), stop, {}});
    return;
  }
  if (accepted->has_value()) admit(**std::move(accepted));
}

// The lock is held until the thread has its place, so that it can't leave before.
void Gateway::admit(io::Descriptor connection) {
  const std::unique_lock lock(mutex_);
  if (running_.size() >= options_.max_connections) {
    return refuse(std::move(connection), too_many_error(options_.max_connections));
  }
  running_.push_back({std::make_unique<Session>(std::move(connection), services_,
                                                options_.handshake_time, ++session_count_),
                      {}});
  const Place place = std::prev(running_.end());
  try {
    place->thread = std::thread([this, place] {
      {
        const metrics::Presence presence(services_.counters.open_connections);
        place->session->run();
      }
      leave(place);
    });
  } catch (const std::system_error&) {
    running_.erase(place);
    throw;
  }
}

void Gateway::refuse(io::Descriptor connection, const Error& error) {
  io::Channel channel(std::move(connection));
  const Context bounded{Deadline::in(kRefusalTime), {}, {}};
  if (Status sent = channel.send(wire::to_failure(error), bounded); !sent) {
    services_.log.failure("could not refuse a connection", sent.error());
  }
}

void Gateway::leave(Place place) noexcept {
  std::thread before;
  std::list<Running> left;
  {
    const std::scoped_lock lock(mutex_);
    before = std::exchange(last_left_, std::move(place->thread));
    left.splice(left.begin(), running_, place);
    if (running_.empty()) emptied_.notify_all();
  }
  if (before.joinable()) before.join();
}

}  // namespace lakehouse::worker::gateway
