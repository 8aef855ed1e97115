// SPDX-License-Identifier: PostgreSQL
// Calls queue up for one thread, which runs their callbacks.
#include "core/warehouse/databricks/scripted_client.hpp"

#include <algorithm>
#include <chrono>

namespace lakehouse::warehouse::databricks {

struct ScriptedClient::Call {
  http::Request request;
  Context context;
  Callback done;
  bool is_finished = false;
  std::optional<std::stop_callback<std::function<void()>>> on_stop;
};

ScriptedClient::ScriptedClient() : thread_([this](const std::stop_token& stop) { run(stop); }) {}

ScriptedClient::~ScriptedClient() {
  thread_.request_stop();
  thread_.join();
}

void ScriptedClient::script(http::Method method, std::string_view url, std::vector<Reply> replies) {
  const std::lock_guard lock(mutex_);
  scripts_[{method, std::string(url)}] = {std::make_move_iterator(replies.begin()),
                                          std::make_move_iterator(replies.end())};
}

void ScriptedClient::start(http::Request request, Context context, Callback done) {
  auto call = std::make_shared<Call>();
  call->request = std::move(request);
  call->context = std::move(context);
  call->done = std::move(done);
  {
    const std::lock_guard lock(mutex_);
    requests_.push_back(call->request);
    Reply reply = next_reply(call->request);
    if (reply.is_held) {
      held_.push_back(call);
    } else {
      ready_.emplace_back(call, std::move(reply));
    }
    changed_.notify_all();
  }
  call->on_stop.emplace(call->context.stop, [this, weak = std::weak_ptr<Call>(call)] {
    const std::lock_guard lock(mutex_);
    if (const auto stopped = weak.lock(); stopped && std::erase(held_, stopped) > 0) {
      ready_.emplace_back(stopped, failing(ErrorCode::kCancelled));
      changed_.notify_all();
    }
  });
}

Reply ScriptedClient::next_reply(const http::Request& request) {
  const auto found = scripts_.find({request.method, request.url});
  if (found == scripts_.end() || found->second.empty()) {
    return {404, R"({"error_code":"ENDPOINT_NOT_FOUND","message":"no such endpoint"})", false, {}};
  }
  Reply reply = found->second.front();
  if (found->second.size() > 1) found->second.pop_front();
  return reply;
}

void ScriptedClient::run(const std::stop_token& stop) {
  for (;;) {
    std::pair<std::shared_ptr<Call>, Reply> next;
    {
      std::unique_lock lock(mutex_);
      if (!changed_.wait(lock, stop, [this] { return !ready_.empty(); })) break;
      next = std::move(ready_.front());
      ready_.pop_front();
    }
    finish(next.first, next.second);
  }
  const std::vector<std::shared_ptr<Call>> left = std::move(held_);
  for (const auto& call : left) finish(call, failing(ErrorCode::kCancelled));
  while (!ready_.empty()) {
    const auto next = std::move(ready_.front());
    ready_.pop_front();
    finish(next.first, failing(ErrorCode::kCancelled));
  }
}

void ScriptedClient::finish(const std::shared_ptr<Call>& call, const Reply& reply) {
  const Callback done = std::move(call->done);
  if (reply.error) return done(*reply.error);
  if (reply.body.size() > call->request.max_body_bytes) {
    return done(Error{ErrorCode::kCapExceeded, "response is too large", "", ""});
  }
  http::Response response;
  response.status = reply.status;
  response.body.reserve(reply.body.size() + http::kBodyPadding);
  response.body = reply.body;
  response.wire_bytes = reply.body.size();
  done(std::move(response));
}

std::vector<http::Request> ScriptedClient::requests(http::Method method,
                                                    std::string_view url) const {
  std::vector<http::Request> found;
  for (const http::Request& request : all_requests()) {
    if (request.method == method && request.url == url) found.push_back(request);
  }
  return found;
}

std::vector<http::Request> ScriptedClient::all_requests() const {
  const std::lock_guard lock(mutex_);
  return requests_;
}

bool ScriptedClient::wait_for(http::Method method, std::string_view url, std::size_t count) const {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, std::chrono::seconds(20), [&] {
    return static_cast<std::size_t>(
               std::count_if(requests_.begin(), requests_.end(), [&](const auto& request) {
                 return request.method == method && request.url == url;
               })) >= count;
  });
}

bool ScriptedClient::release(http::Method method, std::string_view url, Reply reply) {
  std::unique_lock lock(mutex_);
  const auto is_wanted = [&](const auto& call) {
    return call->request.method == method && call->request.url == url;
  };
  const bool is_there = changed_.wait_for(lock, std::chrono::seconds(20), [&] {
    return std::any_of(held_.begin(), held_.end(), is_wanted);
  });
  if (!is_there) return false;
  const auto call = std::find_if(held_.begin(), held_.end(), is_wanted);
  ready_.emplace_back(*call, std::move(reply));
  held_.erase(call);
  changed_.notify_all();
  return true;
}

}  // namespace lakehouse::warehouse::databricks
