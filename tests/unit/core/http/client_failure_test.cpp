// SPDX-License-Identifier: PostgreSQL
// The client against servers that misbehave, and callers that lose patience.
#include <list>

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

class Failure : public ClientTest {
 protected:
  // Sends `bytes`, closes, and returns what the client makes of it.
  Result<Response> read(const std::string& bytes, std::size_t max_body_bytes = 1U << 20U) {
    TestServer server([&bytes](Peer& peer, const Received&) {
      peer.send(bytes);
      peer.close();
    });
    Request request = get(server.url("/path?signature=canary"));
    request.max_body_bytes = max_body_bytes;
    auto result = client_->send(std::move(request), within(seconds(2)));
    if (!result) expect_no_secret(result.error());
    return result;
  }
  static void expect_no_secret(const Error& error) {
    for (const std::string& text : {error.message, error.detail, error.hint}) {
      EXPECT_EQ(text.find("canary"), std::string::npos) << text;
      EXPECT_EQ(text.find("path"), std::string::npos) << text;
    }
  }
};

void stay_silent(Peer& peer, const Received&) { peer.wait_until_closed(); }

// Zero bytes as a raw deflate stream (RFC 1951): fixed codes, each 13 bits stand for 258 bytes.
std::string deflate_zeros(std::size_t repeats) {
  std::string bytes;
  unsigned pending = 0;
  int bits = 0;
  const auto put = [&](unsigned code, int count) {  // Huffman codes go highest bit first
    for (int i = count - 1; i >= 0; --i) {
      pending |= (code >> static_cast<unsigned>(i) & 1U) << static_cast<unsigned>(bits);
      if (++bits < 8) continue;
      bytes.push_back(static_cast<char>(pending));
      pending = 0;
      bits = 0;
    }
  };
  put(0b110, 3);       // last block; type 1, whose bits go lowest first
  put(0b00110000, 8);  // the byte 0
  for (std::size_t i = 0; i < repeats; ++i) {
    put(0b11000101, 8);  // length 258
    put(0b00000, 5);     // distance 1
  }
  put(0b0000000, 7);  // end
  put(0, 7);          // to a whole byte
  return bytes;
}

std::string gzip_zeros(std::size_t repeats) {
  return std::string("\x1f\x8b\x08\0\0\0\0\0\0\x03", 10) + deflate_zeros(repeats);
}

TEST_F(Failure, refused_connection_is_unreachable) {
  std::string url;
  {
    TestServer server(stay_silent);
    url = server.url("/path?signature=canary");
  }
  const auto result = client_->send(get(url), within(seconds(2)));
  expect_error(result, ErrorCode::kUnreachable);
  expect_no_secret(result.error());
  EXPECT_NE(result.error().message.find("127.0.0.1"), std::string::npos);
}

TEST_F(Failure, unknown_host_is_unreachable) {
  const auto result = client_->send(get("https://no-such-host.invalid/"), within(seconds(2)));
  expect_error(result, ErrorCode::kUnreachable);
}

TEST_F(Failure, connection_closed_before_the_reply_is_unreachable) {
  expect_error(read(""), ErrorCode::kUnreachable);
}

TEST_F(Failure, connection_closed_within_the_head_is_never_a_response) {
  EXPECT_FALSE(read("HTTP/1.1 200 OK\r\nContent-Le").is_ok());
  EXPECT_FALSE(read("HTTP/1.1 2").is_ok());
}

TEST_F(Failure, body_shorter_than_announced_is_unreachable) {
  expect_error(read("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc"), ErrorCode::kUnreachable);
  expect_error(read("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n"), ErrorCode::kUnreachable);
}

TEST_F(Failure, chunked_body_without_its_end_is_unreachable) {
  const std::string head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
  for (const char* body : {"3\r\nabc\r\n", "5\r\nabc", "5\r\nabc\r\n0\r\n", "3\r\nabc\r\n0"}) {
    const auto result = read(head + body);
    ASSERT_FALSE(result.is_ok()) << body;
  }
}

TEST_F(Failure, broken_chunk_length_is_never_a_response) {
  EXPECT_FALSE(
      read("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n0\r\n\r\n").is_ok());
}

TEST_F(Failure, malformed_status_line_is_an_invalid_response) {
  expect_error(read("HELLO 200\r\n\r\n"), ErrorCode::kInvalidResponse);
  expect_error(read("SSH-2.0-OpenSSH_9.2\r\n"), ErrorCode::kInvalidResponse);
}

TEST_F(Failure, flood_of_headers_is_an_invalid_response) {
  std::string many = "HTTP/1.1 200 OK\r\n";
  for (int i = 0; i < 1000; ++i) many += "X-" + std::to_string(i) + ": y\r\n";
  expect_error(read(many + "\r\n"), ErrorCode::kInvalidResponse);
  const std::string large = "HTTP/1.1 200 OK\r\nX: " + std::string(80'000, 'y') + "\r\n\r\n";
  expect_error(read(large), ErrorCode::kInvalidResponse);
  std::string interim;
  for (int i = 0; i < 4000; ++i) interim += "HTTP/1.1 100 Continue\r\n\r\n";
  expect_error(read(interim), ErrorCode::kInvalidResponse);
}

TEST_F(Failure, announced_body_over_the_limit_is_refused) {
  const auto result = read("HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n", 1000);
  expect_error(result, ErrorCode::kCapExceeded);
  EXPECT_EQ(result.error().detail, "The limit is 1000 bytes.");
}

TEST_F(Failure, body_of_exactly_the_limit_is_accepted) {
  EXPECT_TRUE(read(reply(200, std::string(1000, 'x')), 1000).is_ok());
}

TEST_F(Failure, endless_body_is_stopped_at_the_limit) {
  TestServer server([](Peer& peer, const Received&) {
    peer.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    while (peer.send("1000\r\n" + std::string(0x1000, 'x') + "\r\n")) continue;
  });
  Request request = get(server.url());
  request.max_body_bytes = 1U << 20U;
  expect_error(client_->send(std::move(request), within(seconds(2))), ErrorCode::kCapExceeded);
}

TEST_F(Failure, gzip_bomb_is_stopped_at_the_limit) {
  const std::string bomb = gzip_zeros(400'000);  // 100 MB
  ASSERT_LT(bomb.size(), 1U << 20U);
  expect_error(read(reply(200, bomb, "Content-Encoding: gzip\r\n")), ErrorCode::kCapExceeded);
}

TEST_F(Failure, deflate_stream_is_inflated_up_to_the_limit) {
  const std::string head = "Content-Encoding: deflate\r\n";
  const auto within_limit = read(reply(200, deflate_zeros(100), head));
  ASSERT_TRUE(within_limit.is_ok()) << within_limit.error().message;
  EXPECT_EQ(within_limit->body, std::string(1 + 258 * 100, '\0'));
  expect_error(read(reply(200, deflate_zeros(100), head), 258 * 100), ErrorCode::kCapExceeded);
}

TEST_F(Failure, corrupt_content_coding_is_an_invalid_response) {
  expect_error(read(reply(200, "this is no gzip at all", "Content-Encoding: gzip\r\n")),
               ErrorCode::kInvalidResponse);
  expect_error(read(reply(200, "text", "Content-Encoding: unheard-of\r\n")),
               ErrorCode::kInvalidResponse);
}

TEST_F(Failure, no_reply_within_the_deadline_is_a_timeout) {
  TestServer server(stay_silent);
  const auto started = Clock::now();
  const auto result =
      client_->send(get(server.url("/path?signature=canary")), within(milliseconds(100)));
  expect_error(result, ErrorCode::kTimeout);
  expect_no_secret(result.error());
  EXPECT_GE(Clock::now() - started, milliseconds(100));
  EXPECT_LT(Clock::now() - started, milliseconds(600));
}

TEST_F(Failure, deadline_in_the_past_sends_nothing) {
  TestServer server(stay_silent);
  expect_error(client_->send(get(server.url()), within(milliseconds(-1))), ErrorCode::kTimeout);
  EXPECT_EQ(server.connections(), 0);
}

TEST_F(Failure, silent_server_is_a_timeout_before_the_deadline) {
  ClientOptions options = quick_options();
  options.idle_timeout = milliseconds(100);
  client_ = make(options);
  TestServer server([](Peer& peer, const Received&) {
    peer.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc");
    peer.wait_until_closed();
  });
  const auto result = client_->send(get(server.url()), Context());
  expect_error(result, ErrorCode::kTimeout);
  EXPECT_NE(result.error().detail.find("100 ms"), std::string::npos);
}

// A byte now and then is no silence; only the deadline ends it.
TEST_F(Failure, trickling_server_outlives_the_idle_timeout_but_not_the_deadline) {
  ClientOptions options = quick_options();
  options.idle_timeout = milliseconds(150);
  client_ = make(options);
  TestServer server([](Peer& peer, const Received&) {
    peer.send("HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n");
    while (peer.send("x")) std::this_thread::sleep_for(milliseconds(5));  // the server's slowness
  });
  const auto started = Clock::now();
  const auto result = client_->send(get(server.url()), within(milliseconds(500)));
  expect_error(result, ErrorCode::kTimeout);
  EXPECT_NE(result.error().message.find("did not finish in time"), std::string::npos);
  EXPECT_GE(Clock::now() - started, milliseconds(500));
}

TEST_F(Failure, cancelling_a_request_under_way_is_immediate) {
  TestServer server(stay_silent);
  std::stop_source stop;
  Answer answer;
  client_->start(get(server.url()), {Deadline::never(), stop.get_token(), "test"},
                 answer.callback());
  ASSERT_TRUE(server.wait_for_requests(1));
  const auto asked = Clock::now();
  stop.request_stop();
  expect_error(answer.wait(), ErrorCode::kCancelled);
  EXPECT_LT(Clock::now() - asked, milliseconds(50));
}

TEST_F(Failure, request_that_was_cancelled_before_it_started_is_cancelled) {
  TestServer server(stay_silent);
  std::stop_source stop;
  stop.request_stop();
  expect_error(client_->send(get(server.url()), {Deadline::never(), stop.get_token(), "test"}),
               ErrorCode::kCancelled);
}

TEST_F(Failure, cancelling_one_request_leaves_the_others_alone) {
  TestServer server([](Peer& peer, const Received& request) {
    if (request.target == "/slow") return peer.wait_until_closed();
    peer.send(reply(200, "ok"));
  });
  std::stop_source stop;
  Answer slow;
  client_->start(get(server.url("/slow")), {Deadline::never(), stop.get_token(), "test"},
                 slow.callback());
  ASSERT_TRUE(server.wait_for_requests(1));
  stop.request_stop();
  expect_error(slow.wait(), ErrorCode::kCancelled);
  EXPECT_TRUE(client_->send(get(server.url("/quick")), within(seconds(2))).is_ok());
}

TEST_F(Failure, cancelling_from_many_threads_while_replies_arrive_answers_each_call_once) {
  TestServer server([](Peer& peer, const Received&) { peer.send(reply(200, "ok")); });
  std::list<Answer> answers;
  std::list<std::stop_source> stops;
  std::vector<std::thread> threads;
  for (int i = 0; i < 32; ++i) {
    std::stop_source& stop = stops.emplace_back();
    client_->start(get(server.url()), {Deadline::in(seconds(2)), stop.get_token(), "test"},
                   answers.emplace_back().callback());
    threads.emplace_back([&stop] { stop.request_stop(); });
  }
  for (std::thread& thread : threads) thread.join();
  for (Answer& answer : answers) {
    const auto result = answer.wait();
    if (!result) expect_error(result, ErrorCode::kCancelled);
  }
  client_.reset();
  for (Answer& answer : answers) EXPECT_EQ(answer.calls(), 1);
}

TEST_F(Failure, destroying_the_client_cancels_calls_under_way) {
  TestServer server(stay_silent);
  std::list<Answer> answers;
  for (int i = 0; i < 20; ++i) {  // more than the connections of a host
    client_->start(get(server.url()), Context(), answers.emplace_back().callback());
  }
  ASSERT_TRUE(server.wait_for_requests(16));
  const auto asked = Clock::now();
  client_.reset();
  EXPECT_LT(Clock::now() - asked, milliseconds(500));
  for (Answer& answer : answers) {
    EXPECT_EQ(answer.calls(), 1);
    expect_error(answer.wait(), ErrorCode::kCancelled);
  }
}

TEST_F(Failure, request_started_while_the_client_ends_is_cancelled) {
  TestServer server(stay_silent);
  Answer second;
  Client* const client = client_.get();
  client_->start(get(server.url()), Context(), [&, client](const Result<Response>&) {
    client->start(get(server.url()), Context(), second.callback());
  });
  ASSERT_TRUE(server.wait_for_requests(1));
  client_.reset();
  expect_error(second.wait(), ErrorCode::kCancelled);
}

}  // namespace
}  // namespace lakehouse::http
