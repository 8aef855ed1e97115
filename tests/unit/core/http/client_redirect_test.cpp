// SPDX-License-Identifier: PostgreSQL
// Redirects and the url policy at work: what travels where, and where nothing travels.
#include <stdlib.h>

#include "core/base/scope_exit.hpp"
#include "tests/unit/core/http/client_fixture.hpp"

namespace lakehouse::http {
namespace {

using testing::ClientTest;
using testing::expect_error;
using testing::milliseconds;
using testing::Peer;
using testing::Received;
using testing::reply;
using testing::seconds;
using testing::TestServer;

class Redirect : public ClientTest {
 protected:
  static testing::Script to(int status, std::string target) {
    return [status, target](Peer& peer, const Received& request) {
      const bool is_first = request.target == "/from";
      peer.send(is_first ? reply(status, "", "Location: " + target + "\r\n") : reply(200, "there"));
    };
  }
  static Request following(Request request) {
    request.max_redirects = 3;
    request.bearer = Secret(std::string("t0ken"));
    request.headers = {{"X-Api-Key", "secret"}, {"Accept", "text/plain"}};
    return request;
  }
};

void answer_there(Peer& peer, const Received&) { peer.send(reply(200, "there")); }

TEST_F(Redirect, is_returned_as_it_is_unless_asked_for) {
  TestServer server(to(302, "/to"));
  const auto response = client_->send(get(server.url("/from")), within(seconds(2)));
  ASSERT_TRUE(response.is_ok());
  EXPECT_EQ(response->status, 302);
  EXPECT_EQ(response->header("location"), "/to");
}

TEST_F(Redirect, to_the_same_origin_keeps_credentials) {
  for (const int status : {301, 302, 303, 307, 308}) {
    TestServer server(to(status, "to?x=1"));
    const auto response = client_->send(following(get(server.url("/from"))), within(seconds(2)));
    ASSERT_TRUE(response.is_ok());
    EXPECT_EQ(response->body, "there");
    EXPECT_EQ(response->attempts, 1);
    const Received second = server.requests().at(1);
    EXPECT_EQ(second.target, "/to?x=1");
    EXPECT_EQ(second.headers.at("authorization"), "Bearer t0ken");
    EXPECT_EQ(second.headers.at("x-api-key"), "secret");
  }
}

TEST_F(Redirect, to_another_origin_drops_credentials_and_unknown_headers) {
  TestServer other(answer_there);
  TestServer server(to(302, other.url("/to")));
  const auto response = client_->send(following(get(server.url("/from"))), within(seconds(2)));
  ASSERT_TRUE(response.is_ok());
  EXPECT_EQ(response->body, "there");
  const Received second = other.requests().at(0);
  EXPECT_EQ(second.headers.count("authorization"), 0U);
  EXPECT_EQ(second.headers.count("x-api-key"), 0U);
  EXPECT_EQ(second.headers.at("accept"), "text/plain");
}

TEST_F(Redirect, back_to_the_first_origin_does_not_bring_credentials_back) {
  std::string back;
  TestServer other([&back](Peer& peer, const Received&) {
    peer.send(reply(302, "", "Location: " + back + "\r\n"));
  });
  TestServer server(to(302, other.url("/")));
  back = server.url("/to");
  ASSERT_TRUE(client_->send(following(get(server.url("/from"))), within(seconds(2))).is_ok());
  EXPECT_EQ(server.requests().at(1).headers.count("authorization"), 0U);
}

TEST_F(Redirect, of_a_post_by_302_or_303_becomes_a_get_without_body) {
  for (const int status : {301, 302, 303}) {
    TestServer server(to(status, "/to"));
    ASSERT_TRUE(
        client_->send(following(post(server.url("/from"), "body")), within(seconds(2))).is_ok());
    EXPECT_EQ(server.requests().at(1).method, "GET");
    EXPECT_EQ(server.requests().at(1).body, "");
  }
}

TEST_F(Redirect, of_a_post_by_307_or_308_keeps_method_and_body_within_the_origin) {
  for (const int status : {307, 308}) {
    TestServer server(to(status, "/to"));
    ASSERT_TRUE(
        client_->send(following(post(server.url("/from"), "body")), within(seconds(2))).is_ok());
    EXPECT_EQ(server.requests().at(1).method, "POST");
    EXPECT_EQ(server.requests().at(1).body, "body");
  }
}

TEST_F(Redirect, that_would_take_a_body_to_another_origin_is_not_followed) {
  TestServer other(answer_there);
  TestServer server(to(307, other.url("/to")));
  const auto response =
      client_->send(following(post(server.url("/from"), "body")), within(seconds(2)));
  ASSERT_TRUE(response.is_ok());
  EXPECT_EQ(response->status, 307);
  EXPECT_EQ(other.connections(), 0);
}

TEST_F(Redirect, to_a_host_that_is_not_listed_is_refused_before_connecting) {
  TestServer inner(answer_there);
  for (const std::string& scheme : {std::string("http://"), std::string("https://")}) {
    TestServer server(to(302, scheme + inner.address() + "/to"));
    ClientOptions options = quick_options();
    options.allowed_private_hosts = {server.address()};
    client_ = make(options);
    expect_error(client_->send(following(get(server.url("/from"))), within(seconds(2))),
                 ErrorCode::kInvalidArgument);
  }
  EXPECT_EQ(inner.connections(), 0);
}

TEST_F(Redirect, to_a_metadata_address_is_refused_without_delay) {
  TestServer server(to(302, "https://169.254.169.254/latest/meta-data/"));
  expect_error(client_->send(following(get(server.url("/from"))), within(seconds(1))),
               ErrorCode::kInvalidArgument);
}

TEST_F(Redirect, to_another_scheme_or_a_malformed_url_is_an_invalid_response) {
  for (const char* target :
       {"file:///etc/passwd", "gopher://127.0.0.1/", "http://user@127.0.0.1/", "http://"}) {
    TestServer server(to(302, target));
    expect_error(client_->send(following(get(server.url("/from"))), within(seconds(2))),
                 ErrorCode::kInvalidResponse);
  }
}

TEST_F(Redirect, loop_ends_after_the_allowed_number) {
  TestServer server(to(302, "/from"));
  expect_error(client_->send(following(get(server.url("/from"))), within(seconds(2))),
               ErrorCode::kInvalidResponse);
  EXPECT_EQ(server.requests().size(), 4U);
}

TEST_F(Redirect, without_a_location_is_a_plain_response) {
  TestServer server([](Peer& peer, const Received&) { peer.send(reply(302, "nowhere")); });
  const auto response = client_->send(following(get(server.url("/from"))), within(seconds(2)));
  ASSERT_TRUE(response.is_ok());
  EXPECT_EQ(response->status, 302);
}

class PrivateAddress : public ClientTest {};

TEST_F(PrivateAddress, of_an_unlisted_host_is_refused_before_connecting) {
  TestServer server(answer_there);
  client_ = make(ClientOptions());
  const std::string port = std::to_string(server.port());
  for (const std::string host : {"127.0.0.1", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0", "[::]",
                                 "127.1", "2130706433", "0x7f000001", "10.0.0.1", "192.168.0.1",
                                 "169.254.169.254", "[fd00:ec2::254]", "[fe80::1]"}) {
    const auto result =
        client_->send(get("https://" + host + ":" + port + "/"), within(seconds(1)));
    expect_error(result, ErrorCode::kInvalidArgument);
    EXPECT_NE(result.error().message.find("private network address"), std::string::npos) << host;
  }
  EXPECT_EQ(server.connections(), 0);
}

// The name says nothing; the address it resolves to does. This is what stops DNS rebinding.
TEST_F(PrivateAddress, behind_a_name_is_refused_before_connecting) {
  TestServer server(answer_there);
  client_ = make(ClientOptions());
  expect_error(client_->send(get("https://localhost:" + std::to_string(server.port()) + "/"),
                             within(seconds(2))),
               ErrorCode::kInvalidArgument);
  EXPECT_EQ(server.connections(), 0);
}

TEST_F(PrivateAddress, is_not_tried_again) {
  client_ = make(ClientOptions());
  expect_error(client_->send(get("https://127.0.0.1:9/", Retry::kIdempotent), within(seconds(1))),
               ErrorCode::kInvalidArgument);
  EXPECT_EQ(client_->stats().retries, 0U);
}

TEST_F(PrivateAddress, is_not_reached_through_a_proxy_of_the_environment) {
  TestServer proxy(answer_there);
  TestServer server(answer_there);
  setenv("http_proxy", proxy.url().c_str(), 1);
  const ScopeExit restoring([]() noexcept { unsetenv("http_proxy"); });
  ASSERT_TRUE(client_->send(get(server.url()), within(seconds(2))).is_ok());
  EXPECT_EQ(proxy.connections(), 0);
  EXPECT_EQ(server.connections(), 1);
}

}  // namespace
}  // namespace lakehouse::http
