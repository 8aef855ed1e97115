// SPDX-License-Identifier: PostgreSQL
// Router: the table of routes, and what is answered beside it: 404, 405 with Allow, HEAD as GET.
#pragma once

#include <string>
#include <vector>

#include "worker/http/message.hpp"

namespace lakehouse::worker::http {

struct Route {
  std::string method;
  std::string path;  // matched byte by byte
  Handler handler;
};

class Router {
 public:
  explicit Router(std::vector<Route> routes) : routes_(std::move(routes)) {}

  // Never throws. The body of an answer to HEAD is the one of GET: the server sends its length
  // alone.
  Response answer(const Request& request, const Context& context) const noexcept;

 private:
  Response route(const Request& request, const Context& context) const;
  std::string allowed_methods(const std::string& path) const;

  std::vector<Route> routes_;
};

}  // namespace lakehouse::worker::http
