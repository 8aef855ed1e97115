// SPDX-License-Identifier: PostgreSQL
// The server over raw sockets: answers, limits, slow clients, addresses in use, draining.
#include "worker/http/http_fixture.hpp"

#include <gmock/gmock.h>

#include <thread>

namespace lakehouse::worker::test {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

constexpr const char* kClose = "Host: x\r\nConnection: close\r\n\r\n";
constexpr const char* kKeep = "Host: x\r\n\r\n";

class HttpServer : public HttpServerTest {
 protected:
  void SetUp() override { start(); }
};

TEST_F(HttpServer, answers_with_length_type_and_request_id) {
  const std::string answer = ask(std::string("GET /live HTTP/1.1\r\n") + kClose);
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(answer, HasSubstr("Content-Type: application/json\r\n"));
  EXPECT_THAT(answer, HasSubstr("Content-Length: 18\r\n"));
  EXPECT_THAT(answer, HasSubstr("X-Request-Id: http-1\r\n"));
  EXPECT_THAT(answer, testing::EndsWith("\r\n\r\n{\"status\":\"live\"}\n"));
  EXPECT_EQ(counters_.served_http_requests, 1U);
}

TEST_F(HttpServer, takes_over_a_sound_request_id_and_no_other) {
  EXPECT_THAT(ask(std::string("GET /live HTTP/1.1\r\nX-Request-Id: abc-1\r\n") + kClose),
              HasSubstr("X-Request-Id: abc-1\r\n"));
  EXPECT_THAT(ask(std::string("GET /live HTTP/1.1\r\nX-Request-Id: a b\"\r\n") + kClose),
              HasSubstr("X-Request-Id: http-1\r\n"));
}

TEST_F(HttpServer, answers_head_with_the_length_but_no_body) {
  const std::string answer = ask(std::string("HEAD /live HTTP/1.1\r\n") + kClose);
  EXPECT_THAT(answer, HasSubstr("Content-Length: 18\r\n"));
  EXPECT_THAT(answer, testing::EndsWith("\r\n\r\n"));
}

TEST_F(HttpServer, keeps_a_connection_for_the_next_request) {
  HttpClient client(server_->address());
  client.send(std::string("GET /live HTTP/1.1\r\n") + kKeep);
  client.receive_until("live\"}");
  client.send(std::string("GET /none HTTP/1.1\r\n") + kClose);
  EXPECT_THAT(client.receive_all(), HasSubstr("HTTP/1.1 404 Not Found"));
}

TEST_F(HttpServer, answers_pipelined_requests_in_order) {
  const std::string answer =
      ask(std::string("GET /live HTTP/1.1\r\n") + kKeep +
          "POST /echo?one HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc" +
          "GET /none HTTP/1.1\r\n" + kClose);
  const auto live = answer.find("\"live\"");
  const auto echo = answer.find("one|abc|http-2");
  const auto none = answer.find("404 Not Found");
  ASSERT_NE(none, std::string::npos);
  EXPECT_LT(live, echo);
  EXPECT_LT(echo, none);
}

TEST_F(HttpServer, reads_a_chunked_body) {
  EXPECT_THAT(ask("POST /echo HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: "
                  "chunked\r\n\r\n"
                  "2\r\nab\r\n1\r\nc\r\n0\r\n\r\n"),
              HasSubstr("|abc|"));
}

TEST_F(HttpServer, lets_a_client_continue_that_asks_first) {
  HttpClient client(server_->address());
  client.send(
      "POST /echo HTTP/1.1\r\nHost: x\r\nConnection: close\r\nExpect: 100-continue\r\n"
      "Content-Length: 3\r\n\r\n");
  EXPECT_THAT(client.receive_until("\r\n\r\n"), StartsWith("HTTP/1.1 100 Continue"));
  client.send("abc");
  EXPECT_THAT(client.receive_all(), HasSubstr("|abc|"));
}

TEST_F(HttpServer, takes_the_absolute_form_of_a_target) {
  EXPECT_THAT(ask(std::string("GET http://x/live HTTP/1.1\r\n") + kClose), HasSubstr("200 OK"));
}

struct Refused {
  const char* name;
  std::string request;
  const char* status;
  friend void PrintTo(const Refused& tested, std::ostream* out) { *out << tested.name; }
};
class RefusedRequest : public HttpServerTest, public testing::WithParamInterface<Refused> {};

TEST_P(RefusedRequest, is_answered_and_closed) {
  start();
  const std::string answer = ask(GetParam().request);
  EXPECT_THAT(answer, StartsWith(std::string("HTTP/1.1 ") + GetParam().status));
  EXPECT_THAT(answer, HasSubstr("\"code\":"));
}

INSTANTIATE_TEST_SUITE_P(
    Requests, RefusedRequest,
    testing::Values(
        Refused{"garbage", "\x16\x03\x01 garbage\r\n\r\n", "400"},
        Refused{"no_host", "GET /live HTTP/1.1\r\n\r\n", "400"},
        Refused{"two_hosts", "GET /live HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", "400"},
        Refused{"no_path", "GET live HTTP/1.1\r\nHost: a\r\n\r\n", "400"},
        Refused{
            "two_lengths",
            "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
            "400"},
        Refused{"large_header",
                "GET /live HTTP/1.1\r\nHost: x\r\nX: " + std::string(3000, 'x') + "\r\n\r\n",
                "431"},
        Refused{"endless_line", "GET /" + std::string(100'000, 'x'), "431"},
        Refused{"large_length", "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 2000\r\n\r\n",
                "413"},
        Refused{"large_chunks",
                "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n7d0\r\n" +
                    std::string(2000, 'x') + "\r\n0\r\n\r\n",
                "413"}),
    [](const auto& tested) { return tested.param.name; });

TEST_F(HttpServer, answers_405_with_allow_over_the_wire) {
  const std::string answer = ask(std::string("DELETE /live HTTP/1.1\r\n") + kClose);
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 405 "));
  EXPECT_THAT(answer, HasSubstr("Allow: GET, HEAD, OPTIONS\r\n"));
}

TEST_F(HttpServer, answers_for_its_own_hosts_only) {
  EXPECT_THAT(ask("POST /echo HTTP/1.1\r\nHost: evil\r\nConnection: close\r\n\r\n"),
              StartsWith("HTTP/1.1 421 "));
  const std::string port = server_->address().substr(server_->address().rfind(':'));
  EXPECT_THAT(
      ask("POST /echo HTTP/1.1\r\nHost: localhost" + port + "\r\nConnection: close\r\n\r\n"),
      StartsWith("HTTP/1.1 200 "));
  EXPECT_THAT(ask("GET /live HTTP/1.0\r\n\r\n"), HasSubstr("200 OK"));
}

TEST_F(HttpServer, refuses_pages_of_unknown_origins_before_the_handler) {
  HttpClient client(server_->address());
  client.send("GET /block HTTP/1.1\r\nHost: x\r\nOrigin: null\r\nConnection: close\r\n\r\n");
  EXPECT_THAT(client.receive_all(), StartsWith("HTTP/1.1 403 "));
  EXPECT_EQ(blocked_, 0);
}

TEST_F(HttpServer, answers_options_without_a_body) {
  const std::string answer = ask(std::string("OPTIONS /echo HTTP/1.1\r\n") + kClose);
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 204 "));
  EXPECT_THAT(answer, HasSubstr("Allow: POST, OPTIONS\r\n"));
  EXPECT_THAT(answer, Not(HasSubstr("Content-Length")));
}

TEST_F(HttpServer, answers_probes_while_every_handler_is_busy) {
  http::Limits limits = small_limits();
  limits.handler_threads = 2;
  start(limits);
  HttpClient one(server_->address()), two(server_->address()), three(server_->address());
  for (HttpClient* client : {&one, &two, &three}) {
    client->send(std::string("GET /block HTTP/1.1\r\n") + kClose);
  }
  ASSERT_TRUE(eventually([this] { return blocked_ == 2; }));
  EXPECT_THAT(ask(std::string("GET /ready HTTP/1.1\r\n") + kClose), HasSubstr("200 OK"));
  EXPECT_EQ(blocked_, 2);
  released_ = true;
  EXPECT_THAT(three.receive_all(), HasSubstr("released"));
}

TEST_F(HttpServer, gives_one_client_no_more_than_its_share) {
  http::Limits limits = small_limits();
  limits.connections_of_client = 2;
  start(limits);
  const auto live = [this] {
    return ask(std::string("GET /live HTTP/1.1\r\n") + kClose).starts_with("HTTP/1.1 200");
  };
  {
    HttpClient one(server_->address()), two(server_->address());
    for (HttpClient* client : {&one, &two}) {
      client->send(std::string("GET /live HTTP/1.1\r\n") + kKeep);
      client->receive_until("live\"}");
    }
    EXPECT_FALSE(live());
  }
  EXPECT_TRUE(eventually(live)) << "places are free again";
}

TEST_F(HttpServer, leaves_listed_clients_uncapped) {
  http::Limits limits = small_limits();
  limits.connections_of_client = 1;
  uncapped_ = {*config::Network::parse("127.0.0.0/8")};
  start(limits);
  HttpClient one(server_->address());
  one.send(std::string("GET /live HTTP/1.1\r\n") + kKeep);
  one.receive_until("live\"}");
  EXPECT_THAT(ask(std::string("GET /live HTTP/1.1\r\n") + kClose), HasSubstr("200 OK"));
}

class HttpTimeout : public HttpServerTest {};

TEST_F(HttpTimeout, ends_a_header_that_never_ends) {
  http::Limits limits = small_limits();
  limits.header_time = 200ms;
  start(limits);
  HttpClient client(server_->address());
  const auto began = std::chrono::steady_clock::now();
  client.send("GET /live HTTP/1.1\r\n");
  const bool is_ended = eventually([&] { return !client.send("X: y\r\n"); });
  EXPECT_TRUE(is_ended);
  EXPECT_LT(std::chrono::steady_clock::now() - began, 5s);
}

TEST_F(HttpTimeout, ends_an_idle_connection) {
  http::Limits limits = small_limits();
  limits.idle_time = 50ms;
  start(limits);
  HttpClient client(server_->address());
  EXPECT_EQ(client.receive_all(), "");
}

TEST_F(HttpTimeout, ends_a_body_that_does_not_come) {
  http::Limits limits = small_limits();
  limits.body_time = 50ms;
  start(limits);
  HttpClient client(server_->address());
  client.send("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc");
  EXPECT_EQ(client.receive_all(), "");
}

TEST_F(HttpServer, closes_connections_beyond_its_limit) {
  std::vector<std::unique_ptr<HttpClient>> clients;
  for (int i = 0; i < 8; ++i) {
    clients.push_back(std::make_unique<HttpClient>(server_->address()));
    clients.back()->send(std::string("GET /live HTTP/1.1\r\n") + kKeep);
    clients.back()->receive_until("live\"}");
  }
  HttpClient beyond(server_->address());
  EXPECT_EQ(beyond.receive_all(), "");
  clients.clear();
  EXPECT_TRUE(eventually([this] {
    return ask(std::string("GET /live HTTP/1.1\r\n") + kClose).starts_with("HTTP/1.1 200");
  }));
}

TEST_F(HttpServer, keeps_trying_an_address_in_use_until_it_is_free) {
  const std::string taken = server_->address();
  http::ServerOptions options;
  options.listen = {"127.0.0.1",
                    static_cast<std::uint16_t>(std::stoi(taken.substr(taken.rfind(':') + 1)))};
  options.limits = small_limits();
  auto second = http::Server::start(options, routes(), log_, counters_);
  ASSERT_TRUE(second.is_ok());
  EXPECT_EQ((*second)->address(), "");
  EXPECT_THAT(log_text_.str(), HasSubstr("\"level\":\"error\""));
  server_.reset();
  EXPECT_TRUE(eventually([&] { return (*second)->address() == taken; }));
}

TEST_F(HttpServer, finishes_the_request_under_way_when_stopped) {
  HttpClient busy(server_->address());
  HttpClient idle(server_->address());
  idle.send(std::string("GET /live HTTP/1.1\r\n") + kKeep);
  idle.receive_until("live\"}");
  busy.send(std::string("GET /block HTTP/1.1\r\n") + kKeep);
  ASSERT_TRUE(eventually([this] { return blocked_ == 1; }));
  std::jthread stopping([this] { server_->stop(Deadline::in(10s)); });
  idle.receive_all();
  released_ = true;
  const std::string answer = busy.receive_all();
  EXPECT_THAT(answer, HasSubstr("released"));
  EXPECT_THAT(answer, HasSubstr("Connection: close"));
}

TEST_F(HttpServer, gives_up_a_hanging_request_at_the_deadline_of_a_stop) {
  HttpClient busy(server_->address());
  busy.send(std::string("GET /block HTTP/1.1\r\n") + kKeep);
  ASSERT_TRUE(eventually([this] { return blocked_ == 1; }));
  const auto began = std::chrono::steady_clock::now();
  server_->stop(Deadline::in(50ms));
  EXPECT_LT(std::chrono::steady_clock::now() - began, 5s);
}

TEST_F(HttpServer, survives_clients_that_leave_at_any_byte) {
  const std::string request =
      std::string("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc");
  for (std::size_t length = 0; length <= request.size(); ++length) {
    HttpClient(server_->address()).send(std::string_view(request).substr(0, length));
  }
  EXPECT_TRUE(eventually([this] {
    return ask(std::string("GET /live HTTP/1.1\r\n") + kClose).starts_with("HTTP/1.1 200");
  }));
}

}  // namespace
}  // namespace lakehouse::worker::test
