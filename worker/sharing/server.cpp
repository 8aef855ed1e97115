// SPDX-License-Identifier: PostgreSQL
// The table of routes, and what endpoints share.
#include "worker/sharing/server.hpp"

#include <chrono>

namespace lakehouse::worker::sharing {

Server::Server(const Parts& parts)
    : url_(parts.url),
      vault_(parts.vault),
      audit_(parts.audit),
      log_(parts.log),
      store_(parts.pool),
      gate_(store_, parts.log) {}

std::vector<http::Route> Server::routes() {
  const auto route = [this](const char* method, const std::string& path, Method handler) {
    return http::Route{method, "/delta-sharing" + path,
                       [this, handler](const http::Request& request, const Context& context) {
                         return (this->*handler)(request, context);
                       },
                       http::Audience::kRecipients};
  };
  return {
      route("GET", "/shares", &Server::list_shares),
      route("GET", "/shares/{share}", &Server::get_share),
      route("GET", "/shares/{share}/schemas", &Server::list_schemas),
      route("GET", "/shares/{share}/schemas/{schema}/tables", &Server::list_tables),
      route("GET", "/shares/{share}/all-tables", &Server::list_tables),
  };
}

http::Response Server::failed(const Error& error, const Context& context) {
  log_.failure("sharing request failed", error, context.request_id);
  return unavailable();
}

std::int64_t Server::now() {
  return std::chrono::duration_cast<std::chrono::seconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

}  // namespace lakehouse::worker::sharing
