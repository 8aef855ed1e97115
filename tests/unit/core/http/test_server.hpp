// SPDX-License-Identifier: PostgreSQL
// A real server on a loopback port whose every byte a test decides: one thread per connection reads
// HTTP/1.1 requests and hands each to the test's script. Over TLS if it is given a certificate; it
// may then offer HTTP/2 too, whose requests it answers by itself.
#pragma once

#include <openssl/ssl.h>

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "tests/unit/core/http/certificate.hpp"

namespace lakehouse::http::testing {

struct Received {
  std::string protocol = "HTTP/1.1";
  std::string method, target;                  // of HTTP/1.1 alone, as all below it
  std::map<std::string, std::string> headers;  // names in lower case
  std::string body;
  int connection = 0;  // counted from 1
  int number = 0;      // of the request at this server, counted from 1
};

// The server's end of one connection.
class Peer {
 public:
  Peer(int socket, SSL_CTX* tls);
  ~Peer();
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;

  bool handshake();
  bool has_chosen_http2() const;
  bool send(std::string_view bytes);
  std::string receive();      // what has come; empty at the end
  void close();               // ends the connection in order
  void abort();               // ends it with a reset
  void wait_until_closed();   // by the client, or by the end of the server
  void interrupt() noexcept;  // from another thread

 private:
  int socket_;
  std::unique_ptr<SSL, decltype(&SSL_free)> tls_;
  bool is_open_ = true;
};

enum class Offer : std::uint8_t { kHttp1, kHttp2 };

using Script = std::function<void(Peer&, const Received&)>;

class TestServer {
 public:
  explicit TestServer(Script script, const Certificate* certificate = nullptr,
                      Offer offered = Offer::kHttp1);
  ~TestServer();
  TestServer(const TestServer&) = delete;
  TestServer& operator=(const TestServer&) = delete;

  std::string url(const std::string& path = "/") const;
  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }
  std::uint16_t port() const noexcept { return port_; }
  int connections() const;
  std::vector<Received> requests() const;
  // Waits until so many requests have come; false after a second.
  bool wait_for_requests(std::size_t count) const;

 private:
  void listen_on_loopback();
  void offer(const Certificate& certificate, Offer offered);
  void accept_connections();
  void serve(Peer& peer, int connection);
  void serve_http2(Peer& peer, int connection);
  void note(Received& request);

  Script script_;
  std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> tls_{nullptr, &SSL_CTX_free};
  int listener_ = -1;
  std::uint16_t port_ = 0;
  mutable std::mutex mutex_;
  mutable std::condition_variable has_changed_;
  std::vector<Received> requests_;
  std::list<Peer> peers_;
  std::vector<std::thread> threads_;
  bool is_ending_ = false;
  std::thread acceptor_;
};

// A whole response with Content-Length.
std::string reply(int status, const std::string& body, const std::string& header_lines = "");

}  // namespace lakehouse::http::testing
