// SPDX-License-Identifier: PostgreSQL
// A real server on a free port, and a client that writes raw bytes.
#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <spdlog/sinks/ostream_sink.h>
#include <sys/socket.h>

#include <atomic>
#include <memory>
#include <mutex>
#include <sstream>
#include <string>
#include <vector>

#include "worker/eventually.hpp"
#include "worker/http/health.hpp"
#include "worker/http/server.hpp"
#include "worker/http/stream.hpp"
#include "worker/io/descriptor.hpp"
#include "worker/io/readiness.hpp"

namespace lakehouse::worker::test {

using namespace std::chrono_literals;

class HttpClient {
 public:
  explicit HttpClient(const std::string& address)
      : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in target{};
    target.sin_family = AF_INET;
    target.sin_port =
        htons(static_cast<std::uint16_t>(std::stoi(address.substr(address.rfind(':') + 1))));
    target.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::connect(socket_.get(), reinterpret_cast<sockaddr*>(&target), sizeof(target)), 0);
  }
  int fd() const { return socket_.get(); }
  void leave() { socket_.reset(); }

  // False once the server has closed its side.
  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t count = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (count <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(count));
    }
    return true;
  }
  // Everything until the server closes.
  std::string receive_all() {
    while (receive_some()) {
    }
    return std::move(received_);
  }
  // Until `marker` has come `count` times.
  std::string receive_until(const std::string& marker, int count = 1) {
    while (occurrences(marker) < count && receive_some()) {
    }
    return received_;
  }

 private:
  bool receive_some() {
    const Context context{Deadline::in(10s), {}, {}};
    if (io::wait_until_ready(socket_.get(), POLLIN, context) != io::Readiness::kReady) {
      ADD_FAILURE() << "server is silent";
      return false;
    }
    char block[4096];
    const ssize_t got = ::recv(socket_.get(), block, sizeof(block), 0);
    if (got > 0) received_.append(block, static_cast<std::size_t>(got));
    return got > 0;
  }
  int occurrences(const std::string& marker) const {
    int count = 0;
    for (auto at = received_.find(marker); at != std::string::npos;
         at = received_.find(marker, at + 1))
      ++count;
    return count;
  }

  io::Descriptor socket_;
  std::string received_;
};

class HttpServerTest : public testing::Test {
 protected:
  static http::Limits small_limits() {
    http::Limits limits;
    limits.header_bytes = 2048;
    limits.body_bytes = 1024;
    limits.connections = 8;
    limits.idle_time = 10s;
    limits.header_time = 10s;
    limits.rebind_time = 20ms;
    return limits;
  }
  void start(http::Limits limits = small_limits(), config::Address listen = {"127.0.0.1", 0}) {
    server_.reset();
    http::ServerOptions options;
    options.listen = listen;
    options.tls_certificate_file = certificate_file_;
    options.tls_key_file = key_file_;
    options.limits = limits;
    options.access = access_;
    options.uncapped_clients = uncapped_;
    auto started = http::Server::start(std::move(options), routes(), log_, counters_);
    ASSERT_TRUE(started.is_ok()) << started.error().message << started.error().detail;
    server_ = *std::move(started);
  }
  http::Router routes() {
    std::vector<http::Route> routes = http::health_routes({});
    routes.push_back({"POST", "/echo", [](const http::Request& request, const Context& context) {
                        http::Response response;
                        response.content_type = "text/plain";
                        response.body =
                            request.query + "|" + request.body + "|" + context.request_id;
                        return response;
                      }});
    routes.push_back({"GET", "/block", [this](const http::Request&, const Context& context) {
                        ++blocked_;
                        while (!released_ && !context.stop.stop_requested()) {
                          std::this_thread::sleep_for(1ms);
                        }
                        http::Response response;
                        if (!released_) ++stopped_;
                        response.body = released_ ? "released" : "stopped";
                        return response;
                      }});
    add_streams(routes);
    add_routes(routes);
    return http::Router(std::move(routes));
  }
  virtual void add_routes(std::vector<http::Route>&) {}
  // /stream stays open in the hands of the test; /produce is written by its producer.
  void add_streams(std::vector<http::Route>& routes) {
    routes.push_back({"GET", "/stream", [this](const http::Request&, const Context&) {
                        http::Response response;
                        response.content_type = "text/event-stream";
                        response.stream = std::make_shared<http::Stream>();
                        const std::scoped_lock lock(streams_mutex_);
                        streams_.push_back(response.stream);
                        return response;
                      }});
    routes.push_back({"GET", "/produce", [this](const http::Request&, const Context&) {
                        http::Response response;
                        response.content_type = "text/plain";
                        response.stream = std::make_shared<http::Stream>();
                        response.producer = [this](http::Stream& stream, const Context& context) {
                          producer_(stream, context);
                        };
                        return response;
                      }});
  }
  std::shared_ptr<http::Stream> stream(std::size_t index = 0) {
    EXPECT_TRUE(eventually([&] {
      const std::scoped_lock lock(streams_mutex_);
      return streams_.size() > index;
    }));
    const std::scoped_lock lock(streams_mutex_);
    return streams_.at(index);
  }
  std::string ask(const std::string& request) {
    HttpClient client(server_->address());
    client.send(request);
    return client.receive_all();
  }

  std::ostringstream log_text_;
  log::Log log_{std::make_shared<spdlog::sinks::ostream_sink_mt>(log_text_)};
  metrics::Counters counters_;
  std::string certificate_file_, key_file_;
  std::vector<config::Network> uncapped_;
  http::AccessOptions access_{config::PublicUrl::of({"x", 80}, false), {}, {}};
  std::atomic<int> blocked_ = 0, stopped_ = 0;
  std::atomic<bool> released_ = false;
  std::mutex streams_mutex_;
  std::vector<std::shared_ptr<http::Stream>> streams_;
  std::function<void(http::Stream&, const Context&)> producer_;
  std::unique_ptr<http::Server> server_;
};

}  // namespace lakehouse::worker::test
