// SPDX-License-Identifier: PostgreSQL
// Blocking sockets; the end of the server interrupts them all.
#include "tests/unit/core/http/test_server.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <chrono>
#include <csignal>
#include <stdexcept>

#include "tests/unit/core/http/http2_connection.hpp"

namespace lakehouse::http::testing {
namespace {

std::string to_lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char letter) { return static_cast<char>(std::tolower(letter)); });
  return text;
}

// Header fields from `head`, which starts with the request line.
Received parse_head(const std::string& head) {
  Received request;
  std::size_t line_end = head.find("\r\n");
  const std::size_t first = head.find(' ');
  const std::size_t second = head.find(' ', first + 1);
  request.method = head.substr(0, first);
  request.target = head.substr(first + 1, second - first - 1);
  while (line_end + 2 < head.size()) {
    const std::size_t start = line_end + 2;
    line_end = head.find("\r\n", start);
    const std::string line = head.substr(start, line_end - start);
    const std::size_t colon = line.find(':');
    if (colon == std::string::npos) break;
    const std::size_t value = std::min(line.find_first_not_of(' ', colon + 1), line.size());
    request.headers[to_lower(line.substr(0, colon))] = line.substr(value);
  }
  return request;
}

// HTTP/2 if the client offers it too; without a word on it the client gets HTTP/1.1.
int choose_http2(SSL*, const unsigned char** chosen, unsigned char* size,
                 const unsigned char* offered, unsigned offered_size, void*) {
  static constexpr unsigned char kOurs[] = "\x02h2\x08http/1.1";
  auto* const place = const_cast<unsigned char**>(chosen);
  const int result =
      SSL_select_next_proto(place, size, kOurs, sizeof(kOurs) - 1, offered, offered_size);
  return result == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_NOACK;
}

}  // namespace

Peer::Peer(int socket, SSL_CTX* tls)
    : socket_(socket), tls_(tls != nullptr ? SSL_new(tls) : nullptr, &SSL_free) {
  if (tls_) SSL_set_fd(tls_.get(), socket_);
}

Peer::~Peer() { ::close(socket_); }

bool Peer::handshake() { return !tls_ || SSL_accept(tls_.get()) == 1; }

bool Peer::has_chosen_http2() const {
  const unsigned char* name = nullptr;
  unsigned size = 0;
  if (tls_) SSL_get0_alpn_selected(tls_.get(), &name, &size);
  return std::string_view(reinterpret_cast<const char*>(name), size) == "h2";
}

bool Peer::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const auto size = std::min<std::size_t>(bytes.size(), 1U << 20U);
    const ssize_t count = tls_ ? SSL_write(tls_.get(), bytes.data(), static_cast<int>(size))
                               : ::send(socket_, bytes.data(), size, MSG_NOSIGNAL);
    if (count <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
  return true;
}

std::string Peer::receive() {
  std::string bytes(65536, '\0');
  if (!is_open_) return {};
  const ssize_t count = tls_ ? SSL_read(tls_.get(), bytes.data(), static_cast<int>(bytes.size()))
                             : recv(socket_, bytes.data(), bytes.size(), 0);
  bytes.resize(static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
  return bytes;
}

void Peer::close() {
  is_open_ = false;
  if (tls_) SSL_shutdown(tls_.get());
  shutdown(socket_, SHUT_RDWR);
}

void Peer::abort() {
  is_open_ = false;
  const linger now{1, 0};
  setsockopt(socket_, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
  // Closing sends the reset; the number stays taken until the peer dies.
  const int other = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  dup2(other, socket_);
  ::close(other);
}

void Peer::wait_until_closed() {
  while (!receive().empty()) continue;
}

void Peer::interrupt() noexcept { shutdown(socket_, SHUT_RDWR); }

TestServer::TestServer(Script script, const Certificate* certificate, Offer offered)
    : script_(std::move(script)) {
  if (certificate != nullptr) offer(*certificate, offered);
  listen_on_loopback();
  acceptor_ = std::thread([this] { accept_connections(); });
}

TestServer::~TestServer() {
  {
    const std::lock_guard lock(mutex_);
    is_ending_ = true;
    for (Peer& peer : peers_) peer.interrupt();
  }
  shutdown(listener_, SHUT_RDWR);
  acceptor_.join();
  for (std::thread& thread : threads_) thread.join();
  ::close(listener_);
}

std::string TestServer::url(const std::string& path) const {
  return (tls_ ? "https://" : "http://") + address() + path;
}

int TestServer::connections() const {
  const std::lock_guard lock(mutex_);
  return static_cast<int>(peers_.size());
}

std::vector<Received> TestServer::requests() const {
  const std::lock_guard lock(mutex_);
  return requests_;
}

bool TestServer::wait_for_requests(std::size_t count) const {
  std::unique_lock lock(mutex_);
  return has_changed_.wait_for(lock, std::chrono::seconds(1),
                               [this, count] { return requests_.size() >= count; });
}

void TestServer::listen_on_loopback() {
  listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in place{};
  place.sin_family = AF_INET;
  place.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(place);
  if (bind(listener_, reinterpret_cast<sockaddr*>(&place), size) != 0 ||
      listen(listener_, 256) != 0 ||
      getsockname(listener_, reinterpret_cast<sockaddr*>(&place), &size) != 0) {
    throw std::runtime_error("could not listen on a loopback port");
  }
  port_ = ntohs(place.sin_port);
}

void TestServer::offer(const Certificate& certificate, Offer offered) {
  std::signal(SIGPIPE, SIG_IGN);  // OpenSSL writes to sockets that clients have closed
  tls_.reset(SSL_CTX_new(TLS_server_method()));
  SSL_CTX_use_certificate(tls_.get(), certificate.certificate());
  SSL_CTX_use_PrivateKey(tls_.get(), certificate.key());
  if (offered == Offer::kHttp2) SSL_CTX_set_alpn_select_cb(tls_.get(), choose_http2, nullptr);
}

void TestServer::accept_connections() {
  for (;;) {
    const int socket = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (socket < 0) return;
    const std::lock_guard lock(mutex_);
    Peer& peer = peers_.emplace_back(socket, tls_.get());
    if (is_ending_) return;
    const int connection = static_cast<int>(peers_.size());
    threads_.emplace_back([this, &peer, connection] {
      if (peer.handshake()) {
        peer.has_chosen_http2() ? serve_http2(peer, connection) : serve(peer, connection);
      }
      peer.close();
    });
  }
}

void TestServer::serve(Peer& peer, int connection) {
  std::string input;
  for (;;) {
    std::size_t end = 0;
    while ((end = input.find("\r\n\r\n")) == std::string::npos) {
      const std::string more = peer.receive();
      if (more.empty()) return;
      input += more;
    }
    Received request = parse_head(input.substr(0, end + 2));
    input.erase(0, end + 4);
    const auto length = request.headers.find("content-length");
    const std::size_t size = length == request.headers.end() ? 0 : std::stoul(length->second);
    while (input.size() < size) {
      const std::string more = peer.receive();
      if (more.empty()) return;
      input += more;
    }
    request.body = input.substr(0, size);
    input.erase(0, size);
    request.connection = connection;
    note(request);
    script_(peer, request);
  }
}

void TestServer::serve_http2(Peer& peer, int connection) {
  Http2Connection http2(peer);
  if (!http2.start()) return;
  while (http2.wait_for_request()) {
    Received request;
    request.protocol = "HTTP/2";
    request.connection = connection;
    note(request);
    http2.answer();
  }
}

void TestServer::note(Received& request) {
  const std::lock_guard lock(mutex_);
  request.number = static_cast<int>(requests_.size()) + 1;
  requests_.push_back(request);
  has_changed_.notify_all();
}

std::string reply(int status, const std::string& body, const std::string& header_lines) {
  return "HTTP/1.1 " + std::to_string(status) + " Status\r\n" + header_lines +
         "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

}  // namespace lakehouse::http::testing
