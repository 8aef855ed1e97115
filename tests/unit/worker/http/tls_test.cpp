// SPDX-License-Identifier: PostgreSQL
// The server with a certificate made for the test.
#include <gmock/gmock.h>

#include <fstream>

#include "worker/http/http_fixture.hpp"
#include "worker/http/tls_client.hpp"
#include "worker/temporary_directory.hpp"

namespace lakehouse::worker::test {
namespace {

class Tls : public HttpServerTest {
 protected:
  void SetUp() override {
    certificate_file_ = directory_.path() + "/certificate.pem";
    key_file_ = directory_.path() + "/key.pem";
    write_certificate(certificate_file_, key_file_);
  }
  TemporaryDirectory directory_;
};

TEST_F(Tls, serves_a_request) {
  start();
  HttpClient client(server_->address());
  TlsClient session(client.fd());
  session.send("GET /live HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  std::string answer;
  char block[1024];
  for (int count = session.receive(block, sizeof(block)); count > 0;
       count = session.receive(block, sizeof(block))) {
    answer.append(block, static_cast<std::size_t>(count));
  }
  EXPECT_THAT(answer, testing::HasSubstr("200 OK"));
  EXPECT_TRUE(session.was_told_the_end());
}

TEST_F(Tls, does_not_answer_plain_http) {
  start();
  EXPECT_THAT(ask("GET /live HTTP/1.1\r\nHost: x\r\n\r\n"),
              testing::Not(testing::HasSubstr("200")));
}

TEST_F(Tls, bounds_the_time_of_the_handshake) {
  http::Limits limits = small_limits();
  limits.handshake_time = 50ms;
  start(limits);
  HttpClient client(server_->address());
  EXPECT_EQ(client.receive_all(), "");
}

TEST_F(Tls, refuses_a_file_that_is_no_certificate) {
  std::ofstream(certificate_file_) << "no certificate";
  http::ServerOptions options;
  options.listen = {"127.0.0.1", 0};
  options.tls_certificate_file = certificate_file_;
  options.tls_key_file = key_file_;
  const auto server = http::Server::start(options, routes(), log_, counters_);
  ASSERT_FALSE(server.is_ok());
  EXPECT_EQ(server.error().code, ErrorCode::kInvalidArgument);
}

}  // namespace
}  // namespace lakehouse::worker::test
