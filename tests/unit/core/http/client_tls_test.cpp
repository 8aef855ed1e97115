// SPDX-License-Identifier: PostgreSQL
// TLS: whom the client trusts.
#include <list>

#include "tests/unit/core/http/client_fixture.hpp"
#include "tests/unit/core/vault/temporary_directory.hpp"

namespace lakehouse::http {
namespace {

using lakehouse::testing::TemporaryDirectory;
using testing::Answer;
using testing::Certificate;
using testing::ClientTest;
using testing::expect_error;
using testing::Peer;
using testing::Received;
using testing::reply;
using testing::seconds;
using testing::TestServer;

class Tls : public ClientTest {
 protected:
  ClientOptions options_with(const std::string& pem) {
    ClientOptions options = quick_options();
    options.ca_file = directory_.write("ca.pem", pem, 0600);
    return options;
  }

  TemporaryDirectory directory_;
  Certificate certificate_{"IP:127.0.0.1"};
};

void answer_ok(Peer& peer, const Received&) { peer.send(reply(200, "ok")); }

TEST_F(Tls, certificate_of_the_ca_file_is_trusted) {
  TestServer server(answer_ok, &certificate_);
  client_ = make(options_with(certificate_.pem()));
  const auto response = client_->send(get(server.url()), within(seconds(2)));
  ASSERT_TRUE(response.is_ok()) << response.error().message << response.error().detail;
  EXPECT_EQ(response->body, "ok");
}

TEST_F(Tls, connection_is_used_again) {
  TestServer server(answer_ok, &certificate_);
  client_ = make(options_with(certificate_.pem()));
  for (int i = 0; i < 5; ++i) {
    ASSERT_TRUE(client_->send(get(server.url()), within(seconds(2))).is_ok());
  }
  EXPECT_EQ(server.connections(), 1);
}

TEST_F(Tls, unknown_certificate_is_refused_with_a_hint_and_not_tried_again) {
  TestServer server(answer_ok, &certificate_);
  for (const ClientOptions& options :
       {quick_options(), options_with(Certificate("IP:127.0.0.1").pem())}) {
    client_ = make(options);
    const auto result = client_->send(get(server.url(), Retry::kIdempotent), within(seconds(2)));
    expect_error(result, ErrorCode::kUnreachable);
    EXPECT_NE(result.error().hint.find("ca_file"), std::string::npos);
    EXPECT_EQ(client_->stats().retries, 0U);
  }
  EXPECT_TRUE(server.requests().empty());
}

TEST_F(Tls, certificate_of_another_host_is_refused) {
  const Certificate other("DNS:localhost,IP:127.0.0.2");
  TestServer server(answer_ok, &other);
  client_ = make(options_with(other.pem()));
  expect_error(client_->send(get(server.url()), within(seconds(2))), ErrorCode::kUnreachable);
  EXPECT_TRUE(server.requests().empty());
}

TEST_F(Tls, server_without_tls_is_unreachable) {
  TestServer server([](Peer& peer, const Received&) { peer.send(reply(200, "plain")); });
  client_ = make(options_with(certificate_.pem()));
  const std::string url = "https://" + server.address() + "/";
  const auto result = client_->send(get(url), within(testing::milliseconds(300)));
  EXPECT_FALSE(result.is_ok());
}

TEST_F(Tls, body_cut_without_a_closing_alert_is_never_a_response) {
  TestServer server(
      [](Peer& peer, const Received&) {
        peer.send("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhalf of the");
        peer.abort();
      },
      &certificate_);
  client_ = make(options_with(certificate_.pem()));
  expect_error(client_->send(get(server.url()), within(seconds(2))), ErrorCode::kUnreachable);
}

TEST_F(Tls, unusable_ca_file_is_refused) {
  ClientOptions options = quick_options();
  options.ca_file = directory_.at("absent");
  EXPECT_FALSE(Client::create(options).is_ok());
  const auto without = Client::create(options_with("no certificate in here\n"));
  ASSERT_FALSE(without.is_ok());
  EXPECT_EQ(without.error().code, ErrorCode::kInvalidArgument);
}

TEST_F(Tls, parallel_requests_are_all_answered) {
  TestServer server(answer_ok, &certificate_);
  client_ = make(options_with(certificate_.pem()));
  std::list<Answer> answers;
  for (int i = 0; i < 40; ++i) {
    client_->start(get(server.url()), within(seconds(2)), answers.emplace_back().callback());
  }
  for (Answer& answer : answers) {
    const auto response = answer.wait();
    ASSERT_TRUE(response.is_ok()) << response.error().message << response.error().detail;
    EXPECT_EQ(response->body, "ok");
  }
  EXPECT_LE(server.connections(), 16);
}

}  // namespace
}  // namespace lakehouse::http
