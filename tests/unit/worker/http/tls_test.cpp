// SPDX-License-Identifier: PostgreSQL
// The server with a certificate made for the test.
#include "worker/http/http_fixture.hpp"

#include <gmock/gmock.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <cstdio>
#include <fstream>

#include "worker/temporary_directory.hpp"

namespace lakehouse::worker::test {
namespace {

template <typename T, void (*Free)(T*)>
struct Freed {
  void operator()(T* object) const { Free(object); }
};
template <typename T, void (*Free)(T*)>
using Owned = std::unique_ptr<T, Freed<T, Free>>;

class Tls : public HttpServerTest {
 protected:
  void SetUp() override {
    certificate_file_ = directory_.path() + "/certificate.pem";
    key_file_ = directory_.path() + "/key.pem";
    const Owned<EVP_PKEY, EVP_PKEY_free> key(EVP_EC_gen("P-256"));
    const Owned<X509, X509_free> certificate(X509_new());
    ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate.get()), 0);
    X509_gmtime_adj(X509_getm_notAfter(certificate.get()), 3600);
    X509_set_pubkey(certificate.get(), key.get());
    ASSERT_GT(X509_sign(certificate.get(), key.get(), EVP_sha256()), 0);
    std::FILE* file = std::fopen(certificate_file_.c_str(), "w");
    PEM_write_X509(file, certificate.get());
    std::fclose(file);
    file = std::fopen(key_file_.c_str(), "w");
    PEM_write_PrivateKey(file, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
    std::fclose(file);
  }
  TemporaryDirectory directory_;
};

TEST_F(Tls, serves_a_request) {
  start();
  HttpClient client(server_->address());
  const Owned<SSL_CTX, SSL_CTX_free> context(SSL_CTX_new(TLS_client_method()));
  const Owned<SSL, SSL_free> session(SSL_new(context.get()));
  SSL_set_fd(session.get(), client.fd());
  ASSERT_EQ(SSL_connect(session.get()), 1);
  const std::string request = "GET /live HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
  ASSERT_EQ(SSL_write(session.get(), request.data(), static_cast<int>(request.size())),
            static_cast<int>(request.size()));
  std::string answer;
  char block[1024];
  for (int count = SSL_read(session.get(), block, sizeof(block)); count > 0;
       count = SSL_read(session.get(), block, sizeof(block))) {
    answer.append(block, static_cast<std::size_t>(count));
  }
  EXPECT_THAT(answer, testing::HasSubstr("200 OK"));
  EXPECT_EQ(SSL_get_shutdown(session.get()) & SSL_RECEIVED_SHUTDOWN, SSL_RECEIVED_SHUTDOWN);
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
