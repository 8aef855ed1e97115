// SPDX-License-Identifier: PostgreSQL
// Binding, accepting, and the end: everything here runs on the I/O thread but start(), address()
// and stop().
#include "worker/http/server.hpp"

#include <netinet/tcp.h>
#include <pthread.h>

#include <csignal>
#include <optional>
#include <thread>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/steady_timer.hpp>

#include "worker/http/connection.hpp"
#include "worker/http/site.hpp"
#include "worker/http/stream.hpp"

namespace lakehouse::worker::http {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

constexpr std::chrono::milliseconds kPauseWithoutResources{100};
constexpr int kBacklog = 512;

Error tls_error(const std::string& what, const std::string& path, const error_code& error) {
  return {ErrorCode::kInvalidArgument, "could not load " + what + " \"" + path + "\"",
          error.message() + ".",
          "Check lakehouse.tls_certificate_file and lakehouse.tls_key_file."};
}

Result<std::unique_ptr<asio::ssl::context>> load_tls(const ServerOptions& options) {
  auto context = std::make_unique<asio::ssl::context>(asio::ssl::context::tls_server);
  ::SSL_CTX_set_min_proto_version(context->native_handle(), TLS1_2_VERSION);
  error_code error;
  context->use_certificate_chain_file(options.tls_certificate_file, error);
  if (error) return tls_error("certificate file", options.tls_certificate_file, error);
  context->use_private_key_file(options.tls_key_file, asio::ssl::context::pem, error);
  if (error) return tls_error("private key file", options.tls_key_file, error);
  return context;
}

// Nothing if the client has gone already.
std::optional<Ends> ends_of(const tcp::socket& socket, bool has_tls) {
  error_code error;
  const tcp::endpoint peer = socket.remote_endpoint(error);
  if (error) return std::nullopt;
  const tcp::endpoint local = socket.local_endpoint(error);
  const auto peer_address = config::IpAddress::parse(peer.address().to_string());
  const auto local_address = config::IpAddress::parse(local.address().to_string());
  if (error || !peer_address || !local_address) return std::nullopt;
  return Ends{*peer_address, *local_address, local.port(), has_tls};
}

// A client that vanished without a word is noticed, whether we are writing or waiting.
void tune(tcp::socket& socket, const Limits& limits) {
  error_code ignored;
  socket.set_option(tcp::no_delay(true), ignored);
  socket.set_option(asio::socket_base::keep_alive(true), ignored);
  const auto set = [&socket](int name, auto span) {
    const auto value = static_cast<int>(span.count());
    ::setsockopt(socket.native_handle(), IPPROTO_TCP, name, &value, sizeof(value));
  };
  // Else megabytes may wait in the kernel for a client. That a slow one reads is then seen late,
  // and a fast one is sent what has long left the processor's cache.
  const int unsent = Stream::kMostTaken;
  ::setsockopt(socket.native_handle(), IPPROTO_TCP, TCP_NOTSENT_LOWAT, &unsent, sizeof(unsent));
  using std::chrono::seconds;
  set(TCP_USER_TIMEOUT, limits.write_time);
  set(TCP_KEEPIDLE, std::chrono::ceil<seconds>(limits.keep_alive_time));
  set(TCP_KEEPINTVL, std::chrono::ceil<seconds>(limits.keep_alive_time));
}

class AsioServer final : public Server {
 public:
  AsioServer(ServerOptions options, std::unique_ptr<asio::ssl::context> tls, Router router,
             log::Log& log, metrics::Counters& counters)
      : options_(std::move(options)),
        log_(log),
        tls_(std::move(tls)),
        site_(std::move(router), Access(options_.access), options_.limits, counters),
        acceptor_(io_),
        timer_(io_) {
    bind();
    thread_ = std::thread([this] { run(); });
  }
  ~AsioServer() override { stop(Deadline::in(std::chrono::milliseconds(0))); }

  std::string address() const override {
    const std::scoped_lock lock(address_mutex_);
    return address_;
  }

  Status reload_certificate() override;
  void stop(Deadline deadline) override;

 private:
  void run() noexcept;
  void bind();
  void bind_later(const error_code& error);
  error_code try_bind();
  void accept();
  void on_accepted(const error_code& error, tcp::socket socket);
  bool has_room_for(const config::IpAddress& peer);
  void drain();

  const ServerOptions options_;
  log::Log& log_;
  std::unique_ptr<asio::ssl::context> tls_;  // null: plain HTTP; used by the I/O thread alone
  Site site_;
  asio::io_context io_;  // after site_: its pending operations hold connections that name the site
  // Keeps the I/O thread waiting for answers of handlers when no socket operation is pending.
  asio::executor_work_guard<asio::io_context::executor_type> keeps_running_{io_.get_executor()};
  tcp::acceptor acceptor_;
  asio::steady_timer timer_;
  bool has_told_ = false;  // that the address is in use
  mutable std::mutex address_mutex_;
  std::string address_;
  std::thread thread_;
};

// To a client that has gone, sendfile raises SIGPIPE; there is no flag against it.
void block_sigpipe() {
  sigset_t signals;
  ::sigemptyset(&signals);
  ::sigaddset(&signals, SIGPIPE);
  ::pthread_sigmask(SIG_BLOCK, &signals, nullptr);
}

// The I/O thread's whole life. An operation that throws (there is no memory) loses its connection.
void AsioServer::run() noexcept {
  block_sigpipe();
  while (!io_.stopped()) {
    try {
      io_.run();
    } catch (const std::exception& exception) {
      log_.write(LogLevel::kError, "unexpected exception in the http server", {},
                 {{"error", std::string_view(exception.what())}});
    }
  }
}

void AsioServer::bind() {
  if (const error_code error = try_bind()) return bind_later(error);
  const tcp::endpoint bound = acceptor_.local_endpoint();
  const std::string text = to_text(config::Address{bound.address().to_string(), bound.port()});
  {
    const std::scoped_lock lock(address_mutex_);
    address_ = text;
  }
  log_.write(LogLevel::kInfo, "http server listens", {},
             {{"address", std::string_view(text)}, {"tls", tls_ != nullptr}});
  accept();
}

// Scans do not depend on this address: the worker goes on, and takes it as soon as it is free.
void AsioServer::bind_later(const error_code& error) {
  const std::string wanted = to_text(options_.listen);
  if (!std::exchange(has_told_, true)) {
    log_.write(
        LogLevel::kError, "http server can't listen yet; it keeps trying", {},
        {{"address", std::string_view(wanted)}, {"error", std::string_view(error.message())}});
  }
  timer_.expires_after(options_.limits.rebind_time);
  timer_.async_wait([this](const error_code& cancelled) {
    if (!cancelled && !site_.is_draining) bind();
  });
}

error_code AsioServer::try_bind() {
  error_code error;
  const tcp::endpoint wanted(asio::ip::make_address(options_.listen.ip), options_.listen.port);
  error_code ignored;
  acceptor_.close(ignored);
  acceptor_.open(wanted.protocol(), error);
  if (!error) acceptor_.set_option(tcp::acceptor::reuse_address(true), error);
  if (!error) acceptor_.bind(wanted, error);
  if (!error) acceptor_.listen(kBacklog, error);
  return error;
}

void AsioServer::accept() {
  acceptor_.async_accept([this](const error_code& error, tcp::socket socket) {
    on_accepted(error, std::move(socket));
  });
}

void AsioServer::on_accepted(const error_code& error, tcp::socket socket) {
  if (site_.is_draining || error == asio::error::operation_aborted) return;
  if (error) {  // out of descriptors, most likely
    timer_.expires_after(kPauseWithoutResources);
    timer_.async_wait([this](const error_code& cancelled) {
      if (!cancelled) accept();
    });
    return;
  }
  const auto ends = ends_of(socket, tls_ != nullptr);
  if (ends && has_room_for(ends->peer)) {
    tune(socket, options_.limits);
    serve_connection(std::move(socket), *ends, tls_.get(), site_);
  }
  accept();
}

bool AsioServer::has_room_for(const config::IpAddress& peer) {
  const std::scoped_lock lock(site_.mutex);
  if (site_.connections.size() >= options_.limits.connections) return false;
  const auto of_client = site_.connections_of.find(Connection::client_key(peer));
  return of_client == site_.connections_of.end() ||
         of_client->second < options_.limits.connections_of_client ||
         config::contains(options_.uncapped_clients, peer);
}

// Connections keep what they began with by themselves.
Status AsioServer::reload_certificate() {
  if (options_.tls_certificate_file.empty()) return kDone;
  auto loaded = load_tls(options_);
  if (!loaded) return loaded.error();
  asio::post(io_, [this, tls = *std::move(loaded)]() mutable { tls_ = std::move(tls); });
  return kDone;
}

void AsioServer::stop(Deadline deadline) {
  if (!thread_.joinable()) return;
  asio::post(io_, [this] { drain(); });
  {
    std::unique_lock lock(site_.mutex);
    site_.emptied.wait_until(lock, deadline.at(),
                             [this] { return site_.is_draining && site_.connections.empty(); });
  }
  site_.stop.request_stop();
  io_.stop();
  thread_.join();
  site_.handlers.join();
  const std::scoped_lock lock(address_mutex_);
  address_.clear();
}

void AsioServer::drain() {
  error_code ignored;
  acceptor_.close(ignored);
  timer_.cancel();
  const std::scoped_lock lock(site_.mutex);
  site_.is_draining = true;
  for (Connection* connection : site_.connections) connection->drain();
  site_.emptied.notify_all();
}

}  // namespace

Result<std::unique_ptr<Server>> Server::start(ServerOptions options, Router router, log::Log& log,
                                              metrics::Counters& counters) {
  std::unique_ptr<asio::ssl::context> tls;
  if (!options.tls_certificate_file.empty()) {
    auto loaded = load_tls(options);
    if (!loaded) return loaded.error();
    tls = *std::move(loaded);
  }
  std::unique_ptr<Server> server = std::make_unique<AsioServer>(std::move(options), std::move(tls),
                                                                std::move(router), log, counters);
  return server;
}

}  // namespace lakehouse::worker::http
