// SPDX-License-Identifier: PostgreSQL
// Exact paths by a map, patterns one after the other.
#include "worker/http/router.hpp"

#include <algorithm>
#include <new>
#include <optional>
#include <utility>

#include "worker/http/percent.hpp"

namespace lakehouse::worker::http {
namespace {

bool is_parameter(std::string_view segment) { return segment.starts_with('{'); }
bool is_tail(std::string_view segment) { return segment.ends_with("...}"); }

// The text up to the next slash; `path` keeps what follows it.
std::string_view take_segment(std::string_view& path) {
  const std::size_t slash = path.find('/');
  const std::string_view segment = path.substr(0, slash);
  path = slash == std::string_view::npos ? std::string_view() : path.substr(slash + 1);
  return segment;
}

std::vector<std::string> segments_of(std::string_view path) {
  std::vector<std::string> segments;
  for (path.remove_prefix(1); !path.empty();) segments.emplace_back(take_segment(path));
  return segments;
}

// An encoded slash, or dots that mean a way up, would let one path pass for another.
std::optional<std::string> decode_segment(std::string_view segment) {
  auto text = percent_decode(segment, Plus::kIsPlus);
  if (!text || text->empty() || *text == "." || *text == "..") return std::nullopt;
  if (text->find_first_of("/\\\t\r\n") != std::string::npos) return std::nullopt;
  return text;
}

std::optional<std::string> decode_parameter(std::string_view encoded) {
  std::string decoded;
  while (true) {
    const bool is_last = encoded.find('/') == std::string_view::npos;
    const auto segment = decode_segment(take_segment(encoded));
    if (!segment) return std::nullopt;
    decoded += *segment;
    if (is_last) return decoded;
    decoded += '/';
  }
}

Response no_content(const std::string& allowed) {
  Response response;
  response.status = 204;
  response.headers.push_back({"Allow", allowed});
  return response;
}

Response method_not_allowed(const std::string& allowed) {
  Response response = problem(405, "METHOD_NOT_ALLOWED", "this path does not take this method",
                              "Allowed: " + allowed + ".");
  response.headers.push_back({"Allow", allowed});
  return response;
}

}  // namespace

Router::Router(std::vector<Route> routes, std::vector<Tree> trees)
    : routes_(std::move(routes)), trees_(std::move(trees)) {
  for (const Route& route : routes_) add(route);
}

Response Router::answer(Request request, const Context& context) const noexcept {
  try {
    return shaped(request.path, route(request, context));
  } catch (const std::bad_alloc&) {
    Response response;
    response.status = 507;  // with no body: there is no memory for one
    return response;
  } catch (const std::exception&) {
    Response response;
    response.status = 500;
    return response;
  }
}

Audience Router::audience(std::string_view path) const {
  const Match found = match(path);
  if (found.routes != nullptr) return found.routes->front()->audience;
  const Tree* tree = tree_of(path);
  return tree == nullptr ? Audience::kClients : tree->audience;
}

Response Router::shaped(std::string_view path, Response response) const {
  const Tree* tree = response.problem ? tree_of(path) : nullptr;
  if (tree != nullptr) response.body = tree->error_body(*response.problem);
  return response;
}

const Tree* Router::tree_of(std::string_view path) const {
  for (const Tree& tree : trees_) {
    if (!path.starts_with(tree.path)) continue;
    if (path.size() == tree.path.size() || path[tree.path.size()] == '/') return &tree;
  }
  return nullptr;
}

std::string Router::allowed_methods(std::string_view path) const {
  const Match found = match(path);
  if (found.routes == nullptr) return {};
  std::string allowed;
  for (const Route* route : *found.routes) {
    allowed += route->method + ", ";
    if (route->method == "GET") allowed += "HEAD, ";
  }
  return allowed + "OPTIONS";
}

void Router::add(const Route& route) {
  if (route.path.find('{') == std::string::npos) {
    exact_[route.path].push_back(&route);
    return;
  }
  Pattern pattern{segments_of(route.path), false, {&route}};
  pattern.has_tail = is_tail(pattern.segments.back());
  const auto same = std::ranges::find(patterns_, pattern.segments, &Pattern::segments);
  if (same != patterns_.end()) {
    same->routes.push_back(&route);
  } else {
    patterns_.push_back(std::move(pattern));
  }
}

Router::Match Router::match(std::string_view path) const {
  if (const auto exact = exact_.find(path); exact != exact_.end()) return {&exact->second, {}};
  Match found;
  for (const Pattern& pattern : patterns_) {
    found.parameters.clear();
    if (!fits(pattern, path, found.parameters)) continue;
    found.routes = &pattern.routes;
    return found;
  }
  return {};
}

bool Router::fits(const Pattern& pattern, std::string_view path,
                  std::vector<std::string_view>& parameters) {
  if (!path.starts_with('/')) return false;
  std::string_view rest = path.substr(1);
  for (std::size_t i = 0; i < pattern.segments.size(); ++i) {
    if (rest.empty()) return false;
    const bool is_last = i + 1 == pattern.segments.size();
    if (is_last && pattern.has_tail) {
      parameters.push_back(rest);
      return true;
    }
    const bool has_more = rest.find('/') != std::string_view::npos;
    const std::string_view segment = take_segment(rest);
    if (has_more == is_last) return false;
    if (is_parameter(pattern.segments[i])) {
      if (segment.empty()) return false;
      parameters.push_back(segment);
    } else if (segment != pattern.segments[i]) {
      return false;
    }
  }
  return true;
}

Response Router::route(Request& request, const Context& context) const {
  const Match found = match(request.path);
  if (found.routes == nullptr) {
    return problem(404, "NOT_FOUND", "there is nothing at this path");
  }
  for (const std::string_view encoded : found.parameters) {
    auto decoded = decode_parameter(encoded);
    if (!decoded) return problem(400, "BAD_REQUEST", "a part of the path is malformed");
    request.parameters.push_back(*std::move(decoded));
  }
  const std::string wanted = request.method == "HEAD" ? "GET" : request.method;
  const auto route = std::ranges::find(*found.routes, wanted, &Route::method);
  if (route != found.routes->end()) return (*route)->handler(request, context);
  const std::string allowed = allowed_methods(request.path);
  return wanted == "OPTIONS" ? no_content(allowed) : method_not_allowed(allowed);
}

}  // namespace lakehouse::worker::http
