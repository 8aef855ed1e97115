// SPDX-License-Identifier: PostgreSQL
// Router: the table of routes, and what is answered beside it: 404, 405 with Allow, HEAD as GET,
// OPTIONS.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "worker/http/message.hpp"

namespace lakehouse::worker::http {

// Who may ask. See access.hpp for the hosts and origins meant.
enum class Audience : std::uint8_t {
  kClients,     // by the public host; pages of browsers only from known origins
  kAnyone,      // by the public host; pages of every origin may read the answer: public documents
  kRecipients,  // as kClients; by the host of lakehouse.delta_sharing_base_url, too
  kProbes,      // by an address too; answered by threads of their own, while tools wait for others
};

struct Route {
  std::string method;
  // Segments match byte by byte. {name} stands for one segment; {name...}, at the end, for one or
  // more. A path without either goes before all that have one; among those the first row wins.
  std::string path;
  Handler handler;
  Audience audience = Audience::kClients;
};

// What a protocol has for itself: paths that begin with `path` (without a slash at its end).
struct Tree {
  std::string path;
  Audience audience = Audience::kClients;  // of paths that have no route
  // The body of an error that no handler made, as the protocol wants it.
  std::string (*error_body)(const Problem& problem) = nullptr;
};

class Router {
 public:
  explicit Router(std::vector<Route> routes, std::vector<Tree> trees = {});
  Router(Router&&) = default;  // no copy: the maps below point into the table

  // Never throws. The body of an answer to HEAD is the one of GET: the server sends its length
  // alone.
  Response answer(Request request, const Context& context) const noexcept;

  // An error of the server at this path, in the shape of its tree.
  Response shaped(std::string_view path, Response response) const;

  // Of the first route with this path, whatever its method; else of its tree; else kClients.
  Audience audience(std::string_view path) const;
  // The methods of a path as Allow lists them; empty if there is nothing at this path.
  std::string allowed_methods(std::string_view path) const;

 private:
  struct Pattern {
    std::vector<std::string> segments;
    bool has_tail = false;
    std::vector<const Route*> routes;
  };
  // The rows of one path, and what its {names} stand for, still encoded.
  struct Match {
    const std::vector<const Route*>* routes = nullptr;
    std::vector<std::string_view> parameters;
  };

  void add(const Route& route);
  Match match(std::string_view path) const;
  static bool fits(const Pattern& pattern, std::string_view path,
                   std::vector<std::string_view>& parameters);
  Response route(Request& request, const Context& context) const;
  const Tree* tree_of(std::string_view path) const;

  std::vector<Route> routes_;
  std::map<std::string, std::vector<const Route*>, std::less<>> exact_;
  std::vector<Pattern> patterns_;
  std::vector<Tree> trees_;
};

}  // namespace lakehouse::worker::http
