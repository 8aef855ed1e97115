// SPDX-License-Identifier: PostgreSQL
// Listeners: the open streams of clients that want to know what changes: subscriptions/listen of
// the modern era, GET of the legacy one. No thread of their own; a client costs its connection.
#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "worker/http/stream.hpp"
#include "worker/mcp/exchange.hpp"

namespace lakehouse::worker::mcp {

class Listeners {
 public:
  // A modern client's stream; `wanted` is its SubscriptionFilter. It begins with the
  // acknowledgement, and ends with a result when the worker stops.
  http::Response listen(const Exchange& exchange, const json::Value& wanted);
  // A legacy session's stream; it hears of every list, and of the resources it subscribed to.
  http::Response open(const oauth::Identity& caller, const Session& session,
                      const std::vector<std::string>& resources);
  // What a legacy session has subscribed to by now.
  void follow(const std::string& session, const std::set<std::string, std::less<>>& resources);
  std::set<std::string> sessions() const;

  // `list`: tools, prompts or resources.
  void announce_list(std::string_view list);
  void announce_resource(const std::string& tenant_id, std::string_view uri);
  // Each one that somebody has subscribed to.
  void announce_resources();

  // The tokens that opened streams, and the end of those whose token is no longer good.
  std::set<std::int64_t> tokens() const;
  void end_tokens(const std::set<std::int64_t>& tokens);
  void end_session(const std::string& session);
  void end_all();
  std::size_t count() const;

 private:
  struct Listener {
    std::shared_ptr<http::Stream> stream;
    std::string tenant_id, session, subscription;  // subscription: JSON id, of a modern one
    std::int64_t token_id = 0;
    std::set<std::string> lists;
    std::set<std::string, std::less<>> resources;
  };
  http::Response add(Listener listener, const std::string& first);
  static void send(const Listener& listener, std::string_view method, std::string params);
  static void send_updated(const Listener& listener, std::string_view uri);
  static void end(const Listener& listener);
  void sweep();
  template <typename Predicate>
  void end_where(Predicate predicate);

  mutable std::mutex mutex_;
  std::list<Listener> listeners_;
};

}  // namespace lakehouse::worker::mcp
