// SPDX-License-Identifier: PostgreSQL
// The client against a real server: requests, responses, connections, content coding.
#include <condition_variable>
#include <list>
#include <mutex>

#include "tests/unit/core/http/client_fixture.hpp"
#include "tests/unit/core/vault/hex.hpp"

namespace lakehouse::http {
namespace {

using lakehouse::testing::from_hex;
using testing::Answer;
using testing::ClientTest;
using testing::expect_error;
using testing::milliseconds;
using testing::Peer;
using testing::Received;
using testing::reply;
using testing::seconds;
using testing::TestServer;

using Exchange = ClientTest;

void answer_ok(Peer& peer, const Received&) { peer.send(reply(200, "ok")); }

TEST_F(Exchange, get_returns_status_headers_and_body) {
  TestServer server([](Peer& peer, const Received&) {
    peer.send(reply(404, "no such thing", "X-Request-Id: 7\r\nX-Request-Id: 8\r\n"));
  });
  const auto response = client_->send(get(server.url("/a?b=c")), within(seconds(2)));
  ASSERT_TRUE(response.is_ok()) << response.error().message;
  EXPECT_EQ(response->status, 404);
  EXPECT_EQ(response->body, "no such thing");
  EXPECT_EQ(response->header("x-request-id"), "7");
  EXPECT_EQ(response->header("X-Request-Id"), std::nullopt);
  EXPECT_EQ(response->wire_bytes, 13U);
  EXPECT_EQ(response->attempts, 1);
  ASSERT_EQ(server.requests().size(), 1U);
  EXPECT_EQ(server.requests()[0].method, "GET");
  EXPECT_EQ(server.requests()[0].target, "/a?b=c");
  EXPECT_EQ(server.requests()[0].headers.at("host"), server.address());
  EXPECT_EQ(server.requests()[0].headers.at("user-agent"), "lakehouse");
  EXPECT_EQ(server.requests()[0].headers.count("authorization"), 0U);
}

TEST_F(Exchange, post_sends_body_headers_and_credentials) {
  TestServer server(answer_ok);
  Request request = post(server.url(), std::string("a\0b", 3));
  request.headers = {{"Content-Type", "application/json"}, {"X-Empty", ""}};
  request.bearer = Secret(std::string("t0ken"));
  ASSERT_TRUE(client_->send(std::move(request), within(seconds(2))).is_ok());
  const Received seen = server.requests().at(0);
  EXPECT_EQ(seen.method, "POST");
  EXPECT_EQ(seen.body, std::string("a\0b", 3));
  EXPECT_EQ(seen.headers.at("content-type"), "application/json");
  EXPECT_EQ(seen.headers.at("x-empty"), "");
  EXPECT_EQ(seen.headers.at("authorization"), "Bearer t0ken");
}

TEST_F(Exchange, post_without_body_or_type_sends_length_zero_and_no_type) {
  TestServer server(answer_ok);
  ASSERT_TRUE(client_->send(post(server.url(), ""), within(seconds(2))).is_ok());
  EXPECT_EQ(server.requests().at(0).headers.at("content-length"), "0");
  EXPECT_EQ(server.requests().at(0).headers.count("content-type"), 0U);
}

TEST_F(Exchange, large_post_arrives_whole_without_waiting_for_permission) {
  TestServer server(answer_ok);
  const std::string body(5U << 20U, 'q');
  ASSERT_TRUE(client_->send(post(server.url(), body), within(seconds(2))).is_ok());
  EXPECT_EQ(server.requests().at(0).body.size(), body.size());
  EXPECT_EQ(server.requests().at(0).headers.count("expect"), 0U);
}

TEST_F(Exchange, put_sends_its_body) {
  TestServer server(answer_ok);
  Request request = post(server.url("/a%20b"), std::string("a\0b", 3));
  request.method = Method::kPut;
  ASSERT_TRUE(client_->send(std::move(request), within(seconds(2))).is_ok());
  const Received seen = server.requests().at(0);
  EXPECT_EQ(seen.method, "PUT");
  EXPECT_EQ(seen.target, "/a%20b");
  EXPECT_EQ(seen.body, std::string("a\0b", 3));
  EXPECT_EQ(seen.headers.at("content-length"), "3");
}

TEST_F(Exchange, delete_is_sent_without_a_body) {
  TestServer server([](Peer& peer, const Received&) { peer.send("HTTP/1.1 204 None\r\n\r\n"); });
  Request request = get(server.url());
  request.method = Method::kDelete;
  const auto response = client_->send(std::move(request), within(seconds(2)));
  ASSERT_TRUE(response.is_ok());
  EXPECT_EQ(response->status, 204);
  EXPECT_EQ(response->body, "");
  EXPECT_GE(response->body.capacity(), kBodyPadding);
  EXPECT_EQ(server.requests().at(0).method, "DELETE");
}

TEST_F(Exchange, connection_is_used_again) {
  TestServer server(answer_ok);
  for (int i = 0; i < 10; ++i) {
    ASSERT_TRUE(client_->send(get(server.url()), within(seconds(2))).is_ok());
  }
  EXPECT_EQ(server.connections(), 1);
  EXPECT_EQ(client_->stats().connections_opened, 1U);
  EXPECT_EQ(client_->stats().requests, 10U);
  EXPECT_EQ(client_->stats().retries, 0U);
  EXPECT_EQ(client_->stats().bytes_received, 20U);
}

TEST_F(Exchange, large_body_is_intact_reserved_once_and_padded) {
  std::string body(20U << 20U, '\0');
  for (std::size_t i = 0; i < body.size(); i += 4096) body[i] = static_cast<char>(i >> 12U);
  TestServer server([&body](Peer& peer, const Received&) { peer.send(reply(200, body)); });
  const auto response = client_->send(get(server.url()), within(seconds(2)));
  ASSERT_TRUE(response.is_ok());
  EXPECT_EQ(response->body, body);
  EXPECT_EQ(response->body.capacity(), body.size() + kBodyPadding);
}

TEST_F(Exchange, body_without_announced_length_is_padded_too) {
  TestServer server([](Peer& peer, const Received&) {
    peer.send("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + std::string(100'000, 'x'));
    peer.close();
  });
  const auto response = client_->send(get(server.url()), within(seconds(2)));
  ASSERT_TRUE(response.is_ok());
  EXPECT_EQ(response->body, std::string(100'000, 'x'));
  EXPECT_GE(response->body.capacity(), response->body.size() + kBodyPadding);
}

TEST_F(Exchange, chunked_body_is_joined) {
  TestServer server([](Peer& peer, const Received&) {
    peer.send(
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n"
        "X-Trailer: 1\r\n\r\n");
  });
  const auto response = client_->send(get(server.url()), within(seconds(2)));
  ASSERT_TRUE(response.is_ok());
  EXPECT_EQ(response->body, "abcde");
  EXPECT_EQ(response->header("x-trailer"), std::nullopt);
}

TEST_F(Exchange, interim_responses_are_skipped) {
  TestServer server([](Peer& peer, const Received&) {
    peer.send("HTTP/1.1 103 Early Hints\r\nX-Early: 1\r\n\r\n" + reply(200, "ok"));
  });
  const auto response = client_->send(get(server.url()), within(seconds(2)));
  ASSERT_TRUE(response.is_ok());
  EXPECT_EQ(response->status, 200);
  EXPECT_EQ(response->header("x-early"), std::nullopt);
}

TEST_F(Exchange, gzip_body_is_inflated) {
  // {"rows": [ [1, "abc"], ...200 times... []]} by Python's gzip.
  const std::string packed = from_hex(
      "1f8b0800000000000203ab562aca2f2f56b252888e36d451504a4c4a568ad55118658fb247d9a3ec"
      "51f6287b943dca1e6553811d1b5b0b00ee16c4916e090000");
  TestServer server([&packed](Peer& peer, const Received& request) {
    EXPECT_NE(request.headers.at("accept-encoding").find("gzip"), std::string::npos);
    peer.send(reply(200, packed, "Content-Encoding: gzip\r\n"));
  });
  const auto response = client_->send(get(server.url()), within(seconds(2)));
  ASSERT_TRUE(response.is_ok());
  EXPECT_EQ(response->body.size(), 10U + 200 * 12 + 4);
  EXPECT_EQ(response->body.substr(0, 21), "{\"rows\": [[1, \"abc\"],");
  EXPECT_EQ(response->wire_bytes, packed.size());
  EXPECT_GE(response->body.capacity(), response->body.size() + kBodyPadding);
}

TEST_F(Exchange, many_parallel_requests_are_all_answered_within_the_connection_limit) {
  TestServer server(
      [](Peer& peer, const Received& request) { peer.send(reply(200, request.target)); });
  std::list<Answer> answers;
  for (int i = 0; i < 64; ++i) {
    client_->start(get(server.url("/" + std::to_string(i))), within(seconds(2)),
                   answers.emplace_back().callback());
  }
  int i = 0;
  for (Answer& answer : answers) {
    const auto response = answer.wait();
    ASSERT_TRUE(response.is_ok()) << response.error().message;
    EXPECT_EQ(response->body, "/" + std::to_string(i++));
    EXPECT_EQ(answer.calls(), 1);
  }
  EXPECT_LE(server.connections(), 16);
}

// The time in the queue is no part of connecting.
TEST_F(Exchange, waiting_for_a_busy_host_longer_than_the_connect_timeout_is_no_failure) {
  ClientOptions options = quick_options();
  options.max_connections_per_host = 1;
  options.connect_timeout = milliseconds(50);
  client_ = make(options);
  std::mutex mutex;
  std::condition_variable has_changed;
  TestServer server([&](Peer& peer, const Received&) {
    std::unique_lock lock(mutex);
    has_changed.wait_for(lock, milliseconds(120));  // a slow statement
    peer.send(reply(200, "ok"));
  });
  std::list<Answer> answers;
  for (int i = 0; i < 4; ++i) {
    client_->start(get(server.url()), within(seconds(2)), answers.emplace_back().callback());
  }
  for (Answer& answer : answers) {
    const auto response = answer.wait();
    ASSERT_TRUE(response.is_ok()) << response.error().message << response.error().detail;
    EXPECT_EQ(response->attempts, 1);
  }
  EXPECT_EQ(server.connections(), 1);
}

TEST_F(Exchange, call_that_waits_for_a_busy_host_keeps_its_deadline) {
  ClientOptions options = quick_options();
  options.max_connections_per_host = 1;
  client_ = make(options);
  TestServer server([](Peer& peer, const Received& request) {
    if (request.number == 1) return peer.wait_until_closed();
    peer.send(reply(200, "ok"));
  });
  Answer busy;
  Answer late;
  Answer next;
  client_->start(get(server.url()), within(milliseconds(400)), busy.callback());
  client_->start(get(server.url()), within(milliseconds(100)), late.callback());
  client_->start(get(server.url()), within(seconds(2)), next.callback());
  expect_error(late.wait(), ErrorCode::kTimeout);
  EXPECT_EQ(busy.calls(), 0);
  expect_error(busy.wait(), ErrorCode::kTimeout);
  EXPECT_TRUE(next.wait().is_ok());
  EXPECT_EQ(server.requests().size(), 2U);
}

TEST_F(Exchange, callback_may_start_the_next_request) {
  TestServer server(answer_ok);
  Answer answer;
  client_->start(get(server.url("/1")), within(seconds(2)), [&](const Result<Response>& first) {
    EXPECT_TRUE(first.is_ok());
    client_->start(get(server.url("/2")), within(seconds(2)), answer.callback());
  });
  EXPECT_TRUE(answer.wait().is_ok());
  EXPECT_EQ(server.requests().size(), 2U);
}

TEST_F(Exchange, malformed_request_is_answered_within_start) {
  std::vector<Request> requests(4);
  requests[0].url = "ftp://example.com/";
  requests[1] = get("https://example.com/");
  requests[1].headers = {{"A", "x\r\ny"}};
  requests[2] = get("https://example.com/");
  requests[2].body = "GET has none";
  requests[3].url = "http://example.com/";
  for (Request& request : requests) {
    bool is_called = false;
    client_->start(std::move(request), Context(), [&is_called](const Result<Response>& result) {
      expect_error(result, ErrorCode::kInvalidArgument);
      is_called = true;
    });
    EXPECT_TRUE(is_called);
  }
  EXPECT_EQ(client_->stats().requests, 0U);
}

TEST_F(Exchange, options_out_of_range_are_refused) {
  ClientOptions options;
  options.max_attempts = 0;
  EXPECT_FALSE(Client::create(options).is_ok());
  options = ClientOptions();
  options.idle_timeout = milliseconds(0);
  EXPECT_FALSE(Client::create(options).is_ok());
  options = ClientOptions();
  options.allowed_private_hosts = {"http://localhost"};
  EXPECT_FALSE(Client::create(options).is_ok());
}

}  // namespace
}  // namespace lakehouse::http
