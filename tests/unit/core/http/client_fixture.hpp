// SPDX-License-Identifier: PostgreSQL
// What the tests of the client share: a client that may speak to the loopback, and patience that
// ends.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

#include "core/http/client.hpp"
#include "tests/unit/core/http/test_server.hpp"

namespace lakehouse::http::testing {

using std::chrono::milliseconds;
using std::chrono::seconds;

class ClientTest : public ::testing::Test {
 protected:
  // Quick repetition, so that a test of six attempts takes milliseconds.
  static ClientOptions quick_options() {
    ClientOptions options;
    options.allowed_private_hosts = {"127.0.0.1"};
    options.first_backoff = milliseconds(1);
    options.max_backoff = milliseconds(4);
    return options;
  }
  static std::unique_ptr<Client> make(ClientOptions options) {
    auto client = Client::create(std::move(options));
    EXPECT_TRUE(client.is_ok()) << client.error().message << client.error().detail;
    return *std::move(client);
  }
  static Context within(milliseconds span) {
    return {.deadline = Deadline::in(span), .stop = {}, .request_id = "test"};
  }
  static Request get(const std::string& url, Retry retry = Retry::kNever) {
    Request request;
    request.url = url;
    request.retry = retry;
    return request;
  }
  static Request post(const std::string& url, const std::string& body,
                      Retry retry = Retry::kNever) {
    Request request = get(url, retry);
    request.method = Method::kPost;
    request.body = body;
    return request;
  }

  std::unique_ptr<Client> client_ = make(quick_options());
};

// An answer that comes through a callback, perhaps after the test has ended.
class Answer {
 public:
  Client::Callback callback() {
    return [state = state_](Result<Response> result) {
      const std::lock_guard lock(state->mutex);
      ++state->calls;
      state->result.emplace(std::move(result));
      state->has_come.notify_all();
    };
  }
  // The answer; fails the test if none comes within two seconds.
  Result<Response> wait() {
    std::unique_lock lock(state_->mutex);
    if (!state_->has_come.wait_for(lock, seconds(2), [this] { return state_->calls > 0; })) {
      ADD_FAILURE() << "no answer";
      return Error{ErrorCode::kInternal, "no answer", "", ""};
    }
    return *state_->result;
  }
  int calls() {
    const std::lock_guard lock(state_->mutex);
    return state_->calls;
  }

 private:
  struct State {
    std::mutex mutex;
    std::condition_variable has_come;
    std::optional<Result<Response>> result;
    int calls = 0;
  };
  std::shared_ptr<State> state_ = std::make_shared<State>();
};

inline void expect_error(const Result<Response>& result, ErrorCode code) {
  ASSERT_FALSE(result.is_ok()) << "status " << result->status;
  EXPECT_EQ(facts_of(result.error().code).name, facts_of(code).name)
      << result.error().message << " " << result.error().detail;
}

}  // namespace lakehouse::http::testing
