// SPDX-License-Identifier: PostgreSQL
// Connection: one client of the server; its requests one after the other, pipelined ones too.
// Lives as long as an operation of it is under way; all its members are touched by the I/O thread
// alone.
#pragma once

#include <memory>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>

#include "worker/http/site.hpp"

namespace lakehouse::worker::http {

class Connection {
 public:
  explicit Connection(Site& site);
  virtual ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // Closes now if no request is under way; else the answer under way is the last one.
  virtual void drain() = 0;

 protected:
  Site& site_;
};

// Begins to serve an accepted socket; `tls` is null for plain HTTP.
void serve_connection(boost::asio::ip::tcp::socket socket, boost::asio::ssl::context* tls,
                      Site& site);

}  // namespace lakehouse::worker::http
