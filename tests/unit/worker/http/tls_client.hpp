// SPDX-License-Identifier: PostgreSQL
// A certificate made for the test, and the client's side of TLS over an open socket.
#pragma once

#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <cstdio>
#include <memory>
#include <string>
#include <string_view>

namespace lakehouse::worker::test {

template <typename T, void (*Free)(T*)>
struct Freed {
  void operator()(T* object) const { Free(object); }
};
template <typename T, void (*Free)(T*)>
using Owned = std::unique_ptr<T, Freed<T, Free>>;

inline void write_certificate(const std::string& certificate_file, const std::string& key_file) {
  const Owned<EVP_PKEY, EVP_PKEY_free> key(EVP_EC_gen("P-256"));
  const Owned<X509, X509_free> certificate(X509_new());
  ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), 1);
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), 0);
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), 3600);
  X509_set_pubkey(certificate.get(), key.get());
  ASSERT_GT(X509_sign(certificate.get(), key.get(), EVP_sha256()), 0);
  std::FILE* file = std::fopen(certificate_file.c_str(), "w");
  PEM_write_X509(file, certificate.get());
  std::fclose(file);
  file = std::fopen(key_file.c_str(), "w");
  PEM_write_PrivateKey(file, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
  std::fclose(file);
}

class TlsClient {
 public:
  explicit TlsClient(int socket)
      : context_(SSL_CTX_new(TLS_client_method())), session_(SSL_new(context_.get())) {
    SSL_set_fd(session_.get(), socket);
    EXPECT_EQ(SSL_connect(session_.get()), 1);
  }
  void send(std::string_view bytes) {
    const auto size = static_cast<int>(bytes.size());
    EXPECT_EQ(SSL_write(session_.get(), bytes.data(), size), size);
  }
  // Not above 0 once the server has closed.
  int receive(char* block, std::size_t size) {
    return SSL_read(session_.get(), block, static_cast<int>(size));
  }
  bool was_told_the_end() const {
    return (SSL_get_shutdown(session_.get()) & SSL_RECEIVED_SHUTDOWN) != 0;
  }

 private:
  Owned<SSL_CTX, SSL_CTX_free> context_;
  Owned<SSL, SSL_free> session_;
};

}  // namespace lakehouse::worker::test
