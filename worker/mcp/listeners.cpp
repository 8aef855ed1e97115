// SPDX-License-Identifier: PostgreSQL
// Who wants to hear of what, and the end of those who may no longer.
#include "worker/mcp/listeners.hpp"

#include <array>

#include "worker/json/text.hpp"
#include "worker/mcp/rpc.hpp"

namespace lakehouse::worker::mcp {
namespace {

// A list's name, the member of a SubscriptionFilter that asks for it, and what tells of its change.
struct List {
  std::string_view name, wish, method;
};
constexpr std::array kLists{
    List{"tools", "toolsListChanged", "notifications/tools/list_changed"},
    List{"prompts", "promptsListChanged", "notifications/prompts/list_changed"},
    List{"resources", "resourcesListChanged", "notifications/resources/list_changed"}};
constexpr std::size_t kMostResources = 100;

std::string subscription_meta(const std::string& id) {
  return id.empty() ? "" : json::object({{"io.modelcontextprotocol/subscriptionId", id}});
}

}  // namespace

http::Response Listeners::listen(const Exchange& exchange, const json::Value& wanted) {
  Listener listener;
  listener.tenant_id = exchange.caller.tenant_id;
  listener.token_id = exchange.caller.token_id;
  listener.subscription = exchange.message.id;
  std::string agreed = "{";
  for (const List& list : kLists) {
    if (!wanted.boolean(list.wish)) continue;
    listener.lists.emplace(list.name);
    agreed += (agreed.size() > 1 ? "," : "") + json::quoted(list.wish) + ":true";
  }
  std::vector<std::string> resources;
  if (const json::Value* uris = wanted.find("resourceSubscriptions")) {
    for (const json::Member& uri : uris->members) {
      if (!uri.value.is(json::Value::Kind::kString) || resources.size() >= kMostResources) continue;
      resources.push_back(uri.value.text);
      listener.resources.insert(uri.value.text);
    }
    agreed += (agreed.size() > 1 ? "," : "") + json::quoted("resourceSubscriptions") + ":" +
              json::strings(resources);
  }
  const std::string params = json::object(
      {{"_meta", subscription_meta(listener.subscription)}, {"notifications", agreed + "}"}});
  return add(std::move(listener),
             event(notification_text("notifications/subscriptions/acknowledged", params)));
}

http::Response Listeners::open(const oauth::Identity& caller, const Session& session,
                               const std::vector<std::string>& resources) {
  Listener listener;
  listener.tenant_id = caller.tenant_id;
  listener.token_id = caller.token_id;
  listener.session = session.id;
  for (const List& list : kLists) listener.lists.emplace(list.name);
  listener.resources.insert(resources.begin(), resources.end());
  return add(std::move(listener), ": listening\n\n");
}

http::Response Listeners::add(Listener listener, const std::string& first) {
  http::Response response;
  response.content_type = "text/event-stream";
  response.headers = {{"Cache-Control", "no-store"}, {"X-Accel-Buffering", "no"}};
  response.stream = listener.stream = std::make_shared<http::Stream>();
  response.stream->write(first);
  const std::scoped_lock lock(mutex_);
  sweep();
  listeners_.push_back(std::move(listener));
  return response;
}

void Listeners::follow(const std::string& session,
                       const std::set<std::string, std::less<>>& resources) {
  const std::scoped_lock lock(mutex_);
  for (Listener& listener : listeners_) {
    if (listener.session == session) listener.resources = resources;
  }
}

std::set<std::string> Listeners::sessions() const {
  const std::scoped_lock lock(mutex_);
  std::set<std::string> sessions;
  for (const Listener& listener : listeners_) {
    if (!listener.session.empty()) sessions.insert(listener.session);
  }
  return sessions;
}

void Listeners::announce_list(std::string_view name) {
  const std::scoped_lock lock(mutex_);
  for (const List& list : kLists) {
    if (list.name != name) continue;
    for (const Listener& listener : listeners_) {
      if (listener.lists.contains(std::string(name))) send(listener, list.method, "");
    }
  }
  sweep();
}

void Listeners::announce_resource(const std::string& tenant_id, std::string_view uri) {
  const std::scoped_lock lock(mutex_);
  for (const Listener& listener : listeners_) {
    if (listener.tenant_id != tenant_id || !listener.resources.contains(uri)) continue;
    send_updated(listener, uri);
  }
  sweep();
}

void Listeners::announce_resources() {
  const std::scoped_lock lock(mutex_);
  for (const Listener& listener : listeners_) {
    for (const std::string& uri : listener.resources) send_updated(listener, uri);
  }
  sweep();
}

void Listeners::send_updated(const Listener& listener, std::string_view uri) {
  send(listener, "notifications/resources/updated", json::object({{"uri", json::quoted(uri)}}));
}

void Listeners::send(const Listener& listener, std::string_view method, std::string params) {
  if (params.empty()) params = "{}";
  if (const std::string meta = subscription_meta(listener.subscription); !meta.empty()) {
    params = with_members(std::move(params), "\"_meta\":" + meta);
  }
  listener.stream->write(event(notification_text(method, params)));
}

void Listeners::end(const Listener& listener) {
  if (!listener.subscription.empty()) {
    const std::string result = json::object(
        {{"resultType", "\"complete\""}, {"_meta", subscription_meta(listener.subscription)}});
    listener.stream->write(event(result_text(listener.subscription, result)));
  }
  listener.stream->end();
}

void Listeners::sweep() {
  listeners_.remove_if(
      [](const Listener& listener) { return listener.stream->gone().stop_requested(); });
}

template <typename Predicate>
void Listeners::end_where(Predicate predicate) {
  const std::scoped_lock lock(mutex_);
  listeners_.remove_if([&predicate](const Listener& listener) {
    if (!predicate(listener)) return false;
    end(listener);
    return true;
  });
}

std::set<std::int64_t> Listeners::tokens() const {
  const std::scoped_lock lock(mutex_);
  std::set<std::int64_t> tokens;
  for (const Listener& listener : listeners_) tokens.insert(listener.token_id);
  return tokens;
}

void Listeners::end_tokens(const std::set<std::int64_t>& tokens) {
  end_where([&tokens](const Listener& listener) { return tokens.contains(listener.token_id); });
}

void Listeners::end_session(const std::string& session) {
  end_where([&session](const Listener& listener) {
    return !listener.session.empty() && listener.session == session;
  });
}

void Listeners::end_all() {
  end_where([](const Listener&) { return true; });
}

std::size_t Listeners::count() const {
  const std::scoped_lock lock(mutex_);
  return listeners_.size();
}

}  // namespace lakehouse::worker::mcp
