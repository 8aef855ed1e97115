// SPDX-License-Identifier: PostgreSQL
// Streams: as values, and as clients of a server see them.
#include "worker/http/stream.hpp"

#include <gmock/gmock.h>

#include <unistd.h>

#include <fstream>
#include <latch>
#include <thread>

#include "worker/http/http_fixture.hpp"

namespace lakehouse::worker::test {
namespace {

using http::Stream;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;

TEST(Stream, gives_what_was_written_and_then_its_end) {
  Stream stream;
  EXPECT_TRUE(stream.write("one "));
  EXPECT_TRUE(stream.write("two"));
  stream.end();
  EXPECT_FALSE(stream.write("three"));
  const auto portion = stream.take();
  EXPECT_EQ(portion.bytes, "one two");
  EXPECT_TRUE(portion.is_last);
  EXPECT_FALSE(portion.is_broken);
}

TEST(Stream, gives_large_pieces_in_portions) {
  Stream stream;
  EXPECT_TRUE(stream.write(std::string(Stream::kMostTaken + 1, 'x')));
  stream.end();
  const auto first = stream.take();
  EXPECT_EQ(first.bytes.size(), Stream::kMostTaken);
  EXPECT_FALSE(first.is_last);
  const auto second = stream.take();
  EXPECT_EQ(second.bytes, "x");
  EXPECT_TRUE(second.is_last);
}

TEST(Stream, wakes_once_until_it_is_taken) {
  Stream stream;
  int woken = 0;
  stream.write("before");
  stream.attach([&] { ++woken; });
  EXPECT_EQ(woken, 1);
  stream.write("again");
  EXPECT_EQ(woken, 1);
  EXPECT_EQ(stream.take().bytes, "beforeagain");
  stream.write("later");
  EXPECT_EQ(woken, 2);
}

TEST(Stream, breaks_when_too_much_waits) {
  Stream stream;
  EXPECT_TRUE(stream.write(std::string(Stream::kMostWaiting + 1, 'x')));
  EXPECT_FALSE(stream.gone().stop_requested());
  EXPECT_FALSE(stream.write("y"));
  EXPECT_TRUE(stream.gone().stop_requested());
  const auto portion = stream.take();
  EXPECT_TRUE(portion.is_broken);
  EXPECT_EQ(portion.bytes, "");
}

TEST(Stream, wakes_nobody_once_abandoned) {
  Stream stream;
  int woken = 0;
  stream.attach([&] { ++woken; });
  stream.abandon();
  EXPECT_TRUE(stream.gone().stop_requested());
  EXPECT_FALSE(stream.write("x"));
  stream.end();
  stream.fail();
  EXPECT_EQ(woken, 0);
}

class Streaming : public HttpServerTest {
 protected:
  void SetUp() override { start(); }
  static constexpr const char* kAsk = "GET /stream HTTP/1.1\r\nHost: x\r\n\r\n";
  static constexpr const char* kProduce = "GET /produce HTTP/1.1\r\nHost: x\r\n\r\n";
  static constexpr const char* kLive = "GET /live HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
};

TEST_F(Streaming, sends_chunks_as_they_are_written_and_keeps_the_connection) {
  HttpClient client(server_->address());
  client.send(kAsk);
  const std::string head = client.receive_until("\r\n\r\n");
  EXPECT_THAT(head, HasSubstr("Transfer-Encoding: chunked\r\n"));
  EXPECT_THAT(head, HasSubstr("Content-Type: text/event-stream\r\n"));
  EXPECT_THAT(head, Not(HasSubstr("Content-Length")));
  stream()->write("data: 1\n\n");
  EXPECT_THAT(client.receive_until("1\n\n"), EndsWith("\r\n\r\n9\r\ndata: 1\n\n\r\n"));
  stream()->write("data: sixteen..\n\n");
  EXPECT_THAT(client.receive_until("sixteen"), HasSubstr("\r\n11\r\ndata: sixteen..\n\n\r\n"));
  stream()->end();
  EXPECT_THAT(client.receive_until("0\r\n\r\n"), EndsWith("\r\n0\r\n\r\n"));
  client.send(kLive);
  EXPECT_THAT(client.receive_all(), HasSubstr("live"));
}

TEST_F(Streaming, serves_pipelined_requests_after_the_stream) {
  HttpClient client(server_->address());
  client.send(std::string(kAsk) + kLive);
  stream()->write("first");
  stream()->end();
  const std::string answer = client.receive_all();
  EXPECT_LT(answer.find("first"), answer.find("0\r\n\r\n"));
  EXPECT_LT(answer.find("0\r\n\r\n"), answer.find("live"));
}

TEST_F(Streaming, ends_a_stream_of_http_1_0_with_the_connection) {
  HttpClient client(server_->address());
  client.send("GET /stream HTTP/1.0\r\nHost: x\r\nConnection: keep-alive\r\n\r\n");
  stream()->write("bytes");
  stream()->end();
  const std::string answer = client.receive_all();
  EXPECT_THAT(answer, EndsWith("\r\n\r\nbytes"));
  EXPECT_THAT(answer, Not(HasSubstr("chunked")));
}

TEST_F(Streaming, answers_head_without_a_body_and_tells_the_writer) {
  EXPECT_THAT(ask("HEAD /stream HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"),
              EndsWith("\r\n\r\n"));
  EXPECT_TRUE(eventually([this] { return stream()->gone().stop_requested(); }));
}

TEST_F(Streaming, runs_a_producer_whose_stream_ends_with_it) {
  producer_ = [](Stream& stream, const Context&) {
    stream.write("a");
    stream.write("b");
  };
  HttpClient client(server_->address());
  client.send(kProduce);
  EXPECT_THAT(client.receive_until("0\r\n\r\n"), HasSubstr("b\r\n0\r\n\r\n"));
}

TEST_F(Streaming, sends_what_a_producer_wrote_while_it_goes_on) {
  producer_ = [this](Stream& stream, const Context& context) {
    stream.write("early");
    while (!released_ && !context.stop.stop_requested()) std::this_thread::sleep_for(1ms);
    stream.write("late");
  };
  HttpClient client(server_->address());
  client.send(kProduce);
  EXPECT_THAT(client.receive_until("early"), Not(HasSubstr("late")));
  released_ = true;
  EXPECT_THAT(client.receive_until("0\r\n\r\n"), HasSubstr("late"));
}

TEST_F(Streaming, breaks_off_when_the_producer_throws) {
  producer_ = [](Stream& stream, const Context&) {
    stream.write("half");
    throw std::bad_alloc();
  };
  HttpClient client(server_->address());
  client.send(kProduce);
  EXPECT_THAT(client.receive_all(), Not(HasSubstr("0\r\n\r\n")));
}

TEST_F(Streaming, stops_the_producer_when_the_client_leaves) {
  std::latch stopped(1);
  producer_ = [&](Stream& stream, const Context& context) {
    stream.write("x");
    const std::stop_callback on_stop(context.stop, [&] { stopped.count_down(); });
    EXPECT_TRUE(eventually([&] { return context.stop.stop_requested(); }));
    EXPECT_FALSE(stream.write("y"));
  };
  HttpClient client(server_->address());
  client.send(kProduce);
  client.receive_until("x\r\n");
  client.leave();
  stopped.wait();
}

TEST_F(Streaming, tells_the_writer_of_an_idle_stream_that_the_client_has_left) {
  HttpClient client(server_->address());
  client.send(kAsk);
  client.receive_until("\r\n\r\n");
  EXPECT_FALSE(stream()->gone().stop_requested());
  client.leave();
  EXPECT_TRUE(eventually([this] { return stream()->gone().stop_requested(); }));
  EXPECT_FALSE(stream()->write("x"));
}

TEST_F(Streaming, sends_comments_while_an_event_stream_is_silent) {
  http::Limits limits = small_limits();
  limits.keep_alive_time = 20ms;
  start(limits);
  HttpClient client(server_->address());
  client.send(kAsk);
  client.receive_until(": keep-alive\n\n", 2);
  stream()->write("data: half");
  client.receive_until("half");
  const auto comments = [&] {
    const std::string so_far = client.receive_until("half");
    return so_far.find("keep-alive", so_far.find("half"));
  };
  std::this_thread::sleep_for(100ms);  // several times the pause: none comes inside of an event
  stream()->write("\n\n");
  client.receive_until("\r\n2\r\n\n\n\r\n");
  EXPECT_EQ(comments(), std::string::npos);
}

TEST_F(Streaming, gives_up_a_client_that_does_not_read) {
  http::Limits limits = small_limits();
  limits.write_time = 100ms;
  start(limits);
  HttpClient client(server_->address());
  client.send(kAsk);
  client.receive_until("\r\n\r\n");
  const auto written = stream();
  const std::string block(64U << 10U, 'x');
  EXPECT_TRUE(eventually([&] { return !written->write(block); }));
  EXPECT_TRUE(written->gone().stop_requested());
}

TEST_F(Streaming, needs_no_thread_for_an_idle_stream) {
  http::Limits limits = small_limits();
  limits.handler_threads = 1;
  start(limits);
  HttpClient first(server_->address()), second(server_->address());
  first.send(kAsk);
  second.send(kAsk);
  stream(0)->end();
  stream(1)->end();
  first.receive_until("0\r\n\r\n");
  second.receive_until("0\r\n\r\n");
}

// 100 MB is what a thousand may take; client and server are one process here.
TEST_F(Streaming, takes_little_memory_for_a_thousand_idle_streams) {
  http::Limits limits;
  limits.keep_alive_time = 50ms;
  uncapped_ = {*config::Network::parse("127.0.0.0/8")};
  start(limits);
  const auto resident_pages = [] {
    std::size_t all = 0, resident = 0;
    std::ifstream("/proc/self/statm") >> all >> resident;
    return resident;
  };
  const std::size_t before = resident_pages();
  std::vector<std::unique_ptr<HttpClient>> clients;
  for (int i = 0; i < 1000; ++i) {
    clients.push_back(std::make_unique<HttpClient>(server_->address()));
    clients.back()->send(kAsk);
  }
  for (const auto& client : clients) {
    ASSERT_THAT(client->receive_until(": keep-alive\n\n", 2), HasSubstr(": keep-alive\n\n"));
  }
  const std::size_t pages = resident_pages() - before;
  const auto bytes = pages * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  RecordProperty("bytes_of_1000_streams", std::to_string(bytes));
  EXPECT_LT(bytes, 100U << 20U);
}

TEST_F(Streaming, ends_idle_streams_when_the_server_stops) {
  HttpClient client(server_->address());
  client.send(kAsk);
  client.receive_until("\r\n\r\n");
  const auto began = std::chrono::steady_clock::now();
  server_->stop(Deadline::in(10s));
  EXPECT_LT(std::chrono::steady_clock::now() - began, 5s);
  EXPECT_THAT(client.receive_all(), EndsWith("0\r\n\r\n"));
  EXPECT_TRUE(stream()->gone().stop_requested());
}

TEST_F(Streaming, stops_a_producer_at_the_deadline_of_a_stop) {
  std::atomic<bool> is_stopped = false;
  producer_ = [&](Stream& stream, const Context& context) {
    stream.write("x");
    is_stopped = eventually([&] { return context.stop.stop_requested(); });
  };
  HttpClient client(server_->address());
  client.send(kProduce);
  client.receive_until("x\r\n");
  server_->stop(Deadline::in(50ms));
  EXPECT_TRUE(is_stopped);
}

TEST_F(Streaming, outlives_the_server) {
  HttpClient client(server_->address());
  client.send(kAsk);
  const auto kept = stream();
  server_.reset();
  EXPECT_FALSE(kept->write("x"));
  kept->end();
}

class Leaving : public HttpServerTest {
 protected:
  void SetUp() override { start(); }
};

TEST_F(Leaving, stops_the_handler_at_once) {
  HttpClient client(server_->address());
  client.send("GET /block HTTP/1.1\r\nHost: x\r\n\r\n");
  ASSERT_TRUE(eventually([this] { return blocked_ == 1; }));
  EXPECT_EQ(stopped_, 0);
  client.leave();
  EXPECT_TRUE(eventually([this] { return stopped_ == 1; }));
}

TEST_F(Leaving, is_noticed_although_requests_are_pipelined) {
  HttpClient client(server_->address());
  client.send(
      "GET /block HTTP/1.1\r\nHost: x\r\n\r\nGET /live HTTP/1.1\r\nHost: x\r\n\r\n"
      "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nabc");
  ASSERT_TRUE(eventually([this] { return blocked_ == 1; }));
  client.leave();
  EXPECT_TRUE(eventually([this] { return stopped_ == 1; }));
}

TEST_F(Leaving, of_one_client_stops_no_other) {
  HttpClient leaving(server_->address()), staying(server_->address());
  leaving.send("GET /block HTTP/1.1\r\nHost: x\r\n\r\n");
  staying.send("GET /block HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  ASSERT_TRUE(eventually([this] { return blocked_ == 2; }));
  leaving.leave();
  ASSERT_TRUE(eventually([this] { return stopped_ == 1; }));
  released_ = true;
  EXPECT_THAT(staying.receive_all(), HasSubstr("released"));
}

TEST_F(Leaving, a_client_that_only_stops_talking_still_gets_its_answer) {
  HttpClient client(server_->address());
  client.send("GET /block HTTP/1.1\r\nHost: x\r\n\r\n");
  ASSERT_TRUE(eventually([this] { return blocked_ == 1; }));
  ::shutdown(client.fd(), SHUT_WR);
  EXPECT_THAT(client.receive_all(), HasSubstr("stopped"));
}

}  // namespace
}  // namespace lakehouse::worker::test
