// SPDX-License-Identifier: PostgreSQL
// When the client repeats a request, when it does not, and how long it waits.
#include <ctime>
#include <mutex>

#include "tests/unit/core/http/client_fixture.hpp"

namespace lakehouse::http {
namespace {

using testing::Answer;
using testing::ClientTest;
using testing::expect_error;
using testing::milliseconds;
using testing::Peer;
using testing::Received;
using testing::reply;
using testing::seconds;
using testing::TestServer;
using Clock = std::chrono::steady_clock;

class RetryTest : public ClientTest {
 protected:
  // Attempts that a request makes at a server whose first two replies have `status`.
  int attempts_at(int status, Retry retry, Method method = Method::kPost) {
    TestServer server([status](Peer& peer, const Received& request) {
      peer.send(reply(request.number <= 2 ? status : 200, "x"));
    });
    Request request = get(server.url(), retry);
    request.method = method;
    const auto response = client_->send(std::move(request), within(seconds(2)));
    EXPECT_TRUE(response.is_ok());
    if (!response) return 0;
    EXPECT_EQ(response->attempts, static_cast<int>(server.requests().size()));
    EXPECT_EQ(response->status, response->attempts == 3 ? 200 : status);
    return response->attempts;
  }
  // Attempts that a request makes at a server that twice reads it and hangs up.
  int attempts_at_loss(Request request) {
    TestServer server([](Peer& peer, const Received& received) {
      if (received.number <= 2) return peer.abort();
      peer.send(reply(200, "x"));
    });
    request.url = server.url();
    static_cast<void>(client_->send(std::move(request), within(seconds(2))));
    return static_cast<int>(server.requests().size());
  }
};

TEST_F(RetryTest, never_means_never) {
  for (const int status : {429, 500, 502, 503, 504}) {
    EXPECT_EQ(attempts_at(status, Retry::kNever, Method::kGet), 1) << status;
  }
  EXPECT_EQ(attempts_at_loss(post("", "x", Retry::kNever)), 1);
}

TEST_F(RetryTest, refused_repeats_only_what_the_server_refused) {
  EXPECT_EQ(attempts_at(429, Retry::kRefused), 3);
  EXPECT_EQ(attempts_at(503, Retry::kRefused), 3);
  for (const int status : {400, 401, 403, 404, 408, 500, 501, 502, 504}) {
    EXPECT_EQ(attempts_at(status, Retry::kRefused), 1) << status;
  }
  EXPECT_EQ(attempts_at_loss(post("", "x", Retry::kRefused)), 1);
}

TEST_F(RetryTest, idempotent_repeats_failures_and_losses_too) {
  for (const int status : {429, 500, 502, 503, 504}) {
    EXPECT_EQ(attempts_at(status, Retry::kIdempotent), 3) << status;
  }
  for (const int status : {400, 401, 403, 404, 501}) {
    EXPECT_EQ(attempts_at(status, Retry::kIdempotent), 1) << status;
  }
  EXPECT_EQ(attempts_at_loss(post("", "x", Retry::kIdempotent)), 3);
}

TEST_F(RetryTest, truncated_body_is_read_again_if_idempotent) {
  TestServer server([](Peer& peer, const Received& request) {
    if (request.number > 1) {
      peer.send(reply(200, "0123456789"));
      return;
    }
    peer.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n01234");
    peer.close();
  });
  const auto response = client_->send(get(server.url(), Retry::kIdempotent), within(seconds(2)));
  ASSERT_TRUE(response.is_ok());
  EXPECT_EQ(response->body, "0123456789");
  EXPECT_EQ(response->attempts, 2);
}

// curl by itself would send the second request again, on a new connection.
TEST_F(RetryTest, post_or_put_on_a_reused_connection_that_breaks_is_not_sent_twice) {
  for (const Method method : {Method::kPost, Method::kPut}) {
    TestServer server([](Peer& peer, const Received& request) {
      if (request.number == 2) return peer.close();
      peer.send(reply(200, "x"));
    });
    ASSERT_TRUE(client_->send(post(server.url(), "1"), within(seconds(2))).is_ok());
    Request request = post(server.url(), "2", Retry::kRefused);
    request.method = method;
    expect_error(client_->send(std::move(request), within(seconds(2))), ErrorCode::kUnreachable);
    EXPECT_EQ(server.requests().size(), 2U);
  }
}

TEST_F(RetryTest, get_on_a_reused_connection_that_breaks_succeeds) {
  TestServer server([](Peer& peer, const Received& request) {
    if (request.number == 2) return peer.close();
    peer.send(reply(200, "x"));
  });
  ASSERT_TRUE(client_->send(get(server.url()), within(seconds(2))).is_ok());
  EXPECT_TRUE(client_->send(get(server.url(), Retry::kIdempotent), within(seconds(2))).is_ok());
}

TEST_F(RetryTest, last_response_is_returned_when_the_attempts_are_used_up) {
  TestServer server([](Peer& peer, const Received&) { peer.send(reply(503, "busy")); });
  const auto response = client_->send(get(server.url(), Retry::kRefused), within(seconds(2)));
  ASSERT_TRUE(response.is_ok());
  EXPECT_EQ(response->status, 503);
  EXPECT_EQ(response->body, "busy");
  EXPECT_EQ(response->attempts, ClientOptions().max_attempts);
  EXPECT_EQ(client_->stats().retries, 5U);
  EXPECT_EQ(server.connections(), 1);
}

TEST_F(RetryTest, refused_connection_is_tried_again) {
  std::string url;
  {
    TestServer server([](Peer& peer, const Received&) { peer.wait_until_closed(); });
    url = server.url();
  }
  expect_error(client_->send(post(url, "x", Retry::kRefused), within(seconds(2))),
               ErrorCode::kUnreachable);
  EXPECT_EQ(client_->stats().retries, 5U);
}

TEST_F(RetryTest, retry_after_in_seconds_is_waited_for) {
  TestServer server([](Peer& peer, const Received& request) {
    peer.send(request.number == 1 ? reply(429, "", "Retry-After: 1\r\n") : reply(200, "x"));
  });
  const auto started = Clock::now();
  const auto response = client_->send(get(server.url(), Retry::kRefused), within(seconds(2)));
  ASSERT_TRUE(response.is_ok());
  EXPECT_EQ(response->status, 200);
  EXPECT_GE(Clock::now() - started, seconds(1));
}

// The date counts from the server's own clock, here a year that is long gone.
TEST_F(RetryTest, retry_after_as_a_date_is_waited_for) {
  TestServer server([](Peer& peer, const Received& request) {
    peer.send(request.number == 1 ? reply(503, "",
                                          "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
                                          "Retry-After: Sun, 06 Nov 1994 08:49:38 GMT\r\n")
                                  : reply(200, "x"));
  });
  const auto started = Clock::now();
  const auto response = client_->send(get(server.url(), Retry::kRefused), within(seconds(2)));
  ASSERT_TRUE(response.is_ok());
  EXPECT_EQ(response->status, 200);
  EXPECT_GE(Clock::now() - started, seconds(1));
}

TEST_F(RetryTest, negative_or_senseless_retry_after_falls_back_to_jitter) {
  for (const char* value : {"-10", "soon", "Sun, 06 Nov 1994 08:49:38 GMT"}) {
    TestServer server([value](Peer& peer, const Received& request) {
      const std::string line = std::string("Retry-After: ") + value + "\r\n";
      peer.send(request.number == 1 ? reply(429, "", line) : reply(200, "x"));
    });
    const auto started = Clock::now();
    const auto response = client_->send(get(server.url(), Retry::kRefused), within(seconds(2)));
    ASSERT_TRUE(response.is_ok());
    EXPECT_EQ(response->status, 200) << value;
    EXPECT_LT(Clock::now() - started, milliseconds(500));
  }
}

TEST_F(RetryTest, retry_after_beyond_the_deadline_returns_the_response_at_once) {
  for (const char* value : {"30", "1000000000", "Fri, 31 Dec 2099 23:59:59 GMT"}) {
    TestServer server([value](Peer& peer, const Received&) {
      peer.send(reply(429, "slow down", std::string("Retry-After: ") + value + "\r\n"));
    });
    const auto started = Clock::now();
    const auto response = client_->send(get(server.url(), Retry::kRefused), within(seconds(10)));
    ASSERT_TRUE(response.is_ok());
    EXPECT_EQ(response->status, 429) << value;
    EXPECT_EQ(response->body, "slow down");
    EXPECT_LT(Clock::now() - started, milliseconds(500));
    EXPECT_EQ(server.requests().size(), 1U);
  }
}

TEST_F(RetryTest, waiting_for_the_next_attempt_is_cancelled_at_once) {
  TestServer server([](Peer& peer, const Received&) {
    peer.send(reply(429, "", "Retry-After: 60\r\n"));
    peer.close();
  });
  std::stop_source stop;
  Answer answer;
  client_->start(get(server.url(), Retry::kRefused), {Deadline::never(), stop.get_token(), "test"},
                 answer.callback());
  const auto patience = Clock::now() + seconds(1);
  while (client_->stats().retries == 0 && Clock::now() < patience) std::this_thread::yield();
  ASSERT_EQ(client_->stats().retries, 1U);
  const auto asked = Clock::now();
  stop.request_stop();
  expect_error(answer.wait(), ErrorCode::kCancelled);
  EXPECT_LT(Clock::now() - asked, milliseconds(100));
}

TEST_F(RetryTest, waiting_call_does_not_hold_up_others) {
  TestServer server([](Peer& peer, const Received& request) {
    peer.send(request.target == "/busy" ? reply(503, "", "Retry-After: 60\r\n") : reply(200, "x"));
  });
  Answer busy;
  client_->start(get(server.url("/busy"), Retry::kRefused), Context(), busy.callback());
  ASSERT_TRUE(server.wait_for_requests(1));
  EXPECT_TRUE(client_->send(get(server.url("/free")), within(seconds(1))).is_ok());
  client_.reset();
  expect_error(busy.wait(), ErrorCode::kCancelled);
}

}  // namespace
}  // namespace lakehouse::http
