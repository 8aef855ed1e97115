// SPDX-License-Identifier: PostgreSQL
// Connection: one client of the server; its requests one after the other, pipelined ones too.
// Lives as long as an operation of it is under way; all its members are touched by the I/O thread
// alone.
#pragma once

#include <memory>
#include <string>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>

#include "worker/http/access.hpp"
#include "worker/http/site.hpp"

namespace lakehouse::worker::http {

class Connection {
 public:
  Connection(Site& site, Ends ends);
  virtual ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // Closes now if no request is under way; else the answer under way is the last one.
  virtual void drain() = 0;

  // What connections of one client share: its address, or its network of IPv6.
  static std::string client_key(const config::IpAddress& peer);

 protected:
  Site& site_;
  const Ends ends_;
};

// Begins to serve an accepted socket; `tls` is null for plain HTTP.
void serve_connection(boost::asio::ip::tcp::socket socket, Ends ends,
                      boost::asio::ssl::context* tls, Site& site);

}  // namespace lakehouse::worker::http
