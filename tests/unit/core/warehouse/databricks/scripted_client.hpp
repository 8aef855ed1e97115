// SPDX-License-Identifier: PostgreSQL
// An http::Client that answers from a script, on a thread of its own as the real one does, and
// keeps what it was asked. A held call is answered when the test says so, or ends with kCancelled
// when its context is stopped.
#pragma once

#include <condition_variable>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "core/http/client.hpp"

namespace lakehouse::warehouse::databricks {

struct Reply {
  int status = 200;
  std::string body;
  bool is_held = false;
  std::optional<Error> error;
};

inline Reply held() {
  Reply reply;
  reply.is_held = true;
  return reply;
}
inline Reply failing(ErrorCode code) {
  Reply reply;
  reply.error = Error{code, "scripted failure", "", ""};
  return reply;
}

class ScriptedClient final : public http::Client {
 public:
  ScriptedClient();
  ~ScriptedClient() override;

  // What calls of this method and URL get, in turn; the last reply stays. A URL without a script
  // gets a 404.
  void script(http::Method method, std::string_view url, std::vector<Reply> replies);

  void start(http::Request request, Context context, Callback done) override;
  http::ClientStats stats() const override { return {}; }

  std::vector<http::Request> requests(http::Method method, std::string_view url) const;
  std::size_t count(http::Method method, std::string_view url) const {
    return requests(method, url).size();
  }
  std::vector<http::Request> all_requests() const;

  // Waits until so many calls of this kind have come; false after 20 seconds.
  bool wait_for(http::Method method, std::string_view url, std::size_t count) const;

  // Answers the oldest held call of this kind; waits for it to come.
  bool release(http::Method method, std::string_view url, Reply reply);

 private:
  struct Call;
  void run(const std::stop_token& stop);
  void finish(const std::shared_ptr<Call>& call, const Reply& reply);
  Reply next_reply(const http::Request& request);

  mutable std::mutex mutex_;
  mutable std::condition_variable_any changed_;
  std::map<std::pair<http::Method, std::string>, std::deque<Reply>> scripts_;
  std::vector<http::Request> requests_;
  std::deque<std::pair<std::shared_ptr<Call>, Reply>> ready_;
  std::vector<std::shared_ptr<Call>> held_;
  std::jthread thread_;
};

}  // namespace lakehouse::warehouse::databricks
